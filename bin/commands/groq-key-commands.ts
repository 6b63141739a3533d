import {
  confirmKeyDeleted,
  type GroqKeyOptions,
  revokeKey,
  rotateKey,
  setKey,
  stageKey,
  unstageKey,
} from './groq-key.ts';
import { showKeys, showReport } from './groq-key-status.ts';

/** Runs a command of the family `groq-key`. */
export async function operateGroqKeys(command: string, options: GroqKeyOptions): Promise<void> {
  switch (command) {
    case 'groq-key set':
      return await setKey(options);
    case 'groq-key stage':
      return await stageKey(options);
    case 'groq-key rotate':
      return await rotateKey(options);
    case 'groq-key status':
      return await showKeys(options);
    case 'groq-key report':
      return await showReport(options);
    case 'groq-key revoke':
      return await revokeKey(options);
    case 'groq-key unstage':
      return await unstageKey(options);
    default:
      return await confirmKeyDeleted(options);
  }
}
