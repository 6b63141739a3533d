import { createHash, randomBytes } from 'node:crypto';

/** `grk_<environment>_<keyId>_<43 base64url characters>`. */
const KEY_PATTERN = /^grk_[a-z0-9-]{1,32}_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/;
const KEY_ID_LENGTH = 12;

/** A gateway key and its id. */
export type MintedKey = { readonly key: string; readonly keyId: string };

/** Creates a key with a random id. The id is 12 lower-case letters and digits that begin with `prefix`. */
export function mintKey(environmentName: string, prefix = ''): MintedKey {
  return buildKey(environmentName, `${prefix}${randomBytes(6).toString('hex')}`);
}

/** Creates a key whose id is derived from a text, so that a retry of the same operation gets the same id. */
export function mintKeyWithDerivedId(environmentName: string, text: string): MintedKey {
  return buildKey(environmentName, hashKey(text).toString('hex'));
}

/** Returns the id within a key, or undefined for text that is not a key. */
export function parseKeyId(key: string): string | undefined {
  return KEY_PATTERN.exec(key)?.[1];
}

/** Returns the SHA-256 of a key, which is stored in its place. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function buildKey(environmentName: string, id: string): MintedKey {
  const keyId = id.slice(0, KEY_ID_LENGTH);
  return { key: `grk_${environmentName}_${keyId}_${randomBytes(32).toString('base64url')}`, keyId };
}
