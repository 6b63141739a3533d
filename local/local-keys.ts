import { createHmac } from 'node:crypto';

/** A key of the local gateway, and its id. */
export type LocalKey = { readonly key: string; readonly keyId: string };

/**
 * Derives a key from a seed, so that a restart prints the same keys although only hashes are stored. The holder is a team's
 * name, or `admin`.
 */
export function deriveKey(seed: Buffer, environmentName: string, holder: string): LocalKey {
  const digest = (part: string) => createHmac('sha256', seed).update(`${part} ${environmentName} ${holder}`).digest();
  const keyId = digest('id').toString('hex').slice(0, 12);
  return { key: `grk_${environmentName}_${keyId}_${digest('secret').toString('base64url')}`, keyId };
}
