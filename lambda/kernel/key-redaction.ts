/** A key of the gateway's, with the part that names it, and one of Groq's, which has none. */
const GATEWAY_KEY = /(grk_[a-z0-9-]{1,32}_[a-z0-9]{12}_)[A-Za-z0-9_-]+/g;
const GROQ_KEY = /gsk_[A-Za-z0-9_-]{8,}/g;

/** What people typed, without the keys that they pasted into it: a reason is kept and shown, and a key must be neither. */
export function redactKeys(text: string): string {
  return text.replace(GATEWAY_KEY, '$1…').replace(GROQ_KEY, 'gsk_…');
}
