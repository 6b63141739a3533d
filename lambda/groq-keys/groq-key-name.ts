import { periodAt } from '../kernel/period.ts';

const NAME_PATTERN = /^[a-z][a-z0-9-]{0,62}$/;

/** Returns the name of a team's next Groq key: with the month, `chatbot-prod-2026-11`, and a number if that is taken. */
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

/** Returns true for a valid name of a Groq key. A person types it here and in Groq's console. */
export function isGroqKeyName(name: string): boolean {
  return NAME_PATTERN.test(name);
}
