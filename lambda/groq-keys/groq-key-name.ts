import { periodAt } from '../kernel/period.ts';

/** What a Groq key may be called. */
const NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** The name of a team's next Groq key: it carries the month, `chatbot-prod-2026-11`, and a number where that is taken. */
export function nextGroqKeyName(
  team: string,
  environmentName: string,
  nowEpochMs: number,
  taken: ReadonlySet<string>,
): string {
  const name = `${team}-${environmentName}-${periodAt(nowEpochMs)}`;
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}-${number}`)) number++;
  return `${name}-${number}`;
}

/** Whether a key may be called so; a person types it in Groq's console and here. */
export function isGroqKeyName(name: string): boolean {
  return NAME.test(name);
}
