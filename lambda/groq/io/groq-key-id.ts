import { createHash } from 'node:crypto';

/** The id of a Groq key: the first 12 hex digits of its SHA-256. */
export function deriveGroqKeyId(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex').slice(0, 12);
}
