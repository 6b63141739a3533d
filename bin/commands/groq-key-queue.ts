import { setGroqKey, stageGroqKey } from '../../lambda/groq-keys/groq-key-operations.ts';
import { groqKeyDisplayName } from '../../lambda/groq-keys/groq-key-record.ts';
import { confirmGroqKeyDeleted, unstageGroqKey } from '../../lambda/groq-keys/groq-key-removal.ts';
import { readSecret } from '../secret-prompt.ts';
import { type GroqKeyIdOptions, type NewGroqKeyOptions, runGroqKeyCommand } from './groq-key-command.ts';

/** `groq-key set`: stores a team's first key, or replaces a key that Groq rejects. */
export async function setKey(options: NewGroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async ({ operator, team }) => {
    const secret = await readSecret(`Groq key of ${team}: `);
    const { apiKey: _secret, ...key } = await setGroqKey(operator, team, secret, options.name);
    return {
      text: `Team ${team} uses ${groqKeyDisplayName(key)}. Gateways load it within a minute.`,
      json: { current: key },
    };
  });
}

/** `groq-key stage`: adds a key to the team's queue. */
export async function stageKey(options: NewGroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async ({ operator, team }) => {
    const secret = await readSecret(`Next Groq key of ${team}: `);
    const { key, waiting } = await stageGroqKey(operator, team, secret, options.name);
    const { apiKey: _secret, ...staged } = key;
    const text = `Staged ${groqKeyDisplayName(staged)} for team ${team}, number ${waiting} in the queue. Give it the same name in the Groq console.`;
    return { text, json: { staged, waiting } };
  });
}

/** `groq-key unstage`: removes a key from the queue. */
export async function unstageKey(options: GroqKeyIdOptions): Promise<void> {
  await runGroqKeyCommand(options, async ({ operator, team }) => {
    await unstageGroqKey(operator, team, options.key);
    return {
      text: `Removed ${options.key} from the queue. Delete it in the Groq console if nothing else uses it.`,
      json: { unstaged: options.key },
    };
  });
}

/** `groq-key confirm-deleted`: records that an operator deleted a key in the Groq console, which the gateway cannot see. */
export async function confirmKeyDeleted(options: GroqKeyIdOptions): Promise<void> {
  await runGroqKeyCommand(options, async ({ operator, team }) => {
    const key = await confirmGroqKeyDeleted(operator, team, options.key);
    return {
      text: `Recorded that ${groqKeyDisplayName(key)} is deleted. Reminders about it stop.`,
      json: { deleted: key.keyId },
    };
  });
}
