/** A key of the gateway, with the part that names it, and a Groq key, which has no such part. */
const GATEWAY_KEY = /(grk_[a-z0-9-]{1,32}_[a-z0-9]{12}_)[A-Za-z0-9_-]+/g;
const GROQ_KEY = /gsk_[A-Za-z0-9_-]{8,}/g;

/** Redacts keys that a person pasted into a text, such as the reason of an operation, which is stored and shown. */
export function redactKeys(text: string): string {
  return text.replace(GATEWAY_KEY, '$1…').replace(GROQ_KEY, 'gsk_…');
}
