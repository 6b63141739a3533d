/** A key of the gateway, with the part that names it, and a Groq key, which has no such part. */
const GATEWAY_KEY = /(grk_[a-z0-9-]{1,32}_[a-z0-9]{12}_)[A-Za-z0-9_-]+/g;
const GROQ_KEY = /gsk_[A-Za-z0-9_-]{3,}/g;
/** Any other text that starts as a key of the gateway does. */
const PARTIAL_GATEWAY_KEY = /grk_(?![a-z0-9-]{1,32}_[a-z0-9]{12}_…)[A-Za-z0-9_-]{3,}/g;
/** The id of an organisation at Groq, which Groq's texts about limits quote (seen in public issues, 2026). */
const ORGANIZATION_ID = /\borg_[A-Za-z0-9]{3,}/g;
const BEARER_TOKEN = /\b(Bearer)\s+[A-Za-z0-9._~+/=-]{8,}/gi;

/** Redacts keys that a person pasted into a text, such as the reason of an operation, which is stored and shown. */
export function redactKeys(text: string): string {
  return text.replace(GATEWAY_KEY, '$1…').replace(GROQ_KEY, 'gsk_…');
}

/** Redacts every secret that an upstream's text may quote: keys, bearer tokens and the ids of organisations. */
export function redactSecrets(text: string): string {
  return redactKeys(text)
    .replace(PARTIAL_GATEWAY_KEY, 'grk_…')
    .replace(ORGANIZATION_ID, 'org_…')
    .replace(BEARER_TOKEN, '$1 …');
}
