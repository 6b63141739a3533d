import { DynamoKeyStore } from '../lambda/access/io/dynamo-key-store.ts';
import { mintKey } from '../lambda/access/io/gateway-key.ts';
import { CANARY_KEY_PREFIX } from '../lambda/contract.ts';
import { CANARY_TEAM } from '../lambda/policy/canary-team.ts';
import type { Stores } from './stores.ts';

type Tables = Pick<Stores, 'dynamo' | 'registryTable' | 'environmentName'>;

/** Team keys that exist for one run of a command. */
export class TemporaryKeys {
  readonly #keys: DynamoKeyStore;
  readonly #environmentName: string;
  readonly #purpose: string;
  readonly #ttlMs: number;
  readonly #created: { readonly keyId: string; readonly team: string }[] = [];

  /** `purpose` ends the keys' names. They expire after `ttlMs` in case they cannot be deleted. */
  constructor({ dynamo, registryTable, environmentName }: Tables, purpose: string, ttlMs: number) {
    this.#keys = new DynamoKeyStore(dynamo, registryTable, Date.now);
    this.#environmentName = environmentName;
    this.#purpose = purpose;
    this.#ttlMs = ttlMs;
  }

  /** Creates a key with the role member. */
  async create(team: string): Promise<{ readonly key: string; readonly keyId: string }> {
    const minted = mintKey(this.#environmentName, team === CANARY_TEAM ? CANARY_KEY_PREFIX : '');
    this.#created.push({ keyId: minted.keyId, team });
    const createdAtEpochMs = Date.now();
    await this.#keys.put(minted.key, {
      keyId: minted.keyId,
      role: 'member',
      team,
      name: `${team}-${this.#environmentName}-${this.#purpose}`,
      createdAtEpochMs,
      expiresAtEpochMs: createdAtEpochMs + this.#ttlMs,
      isTemporary: true,
    });
    return minted;
  }

  /** Revokes one of the keys. */
  async revoke(keyId: string): Promise<void> {
    await this.#keys.revoke(keyId);
  }

  /** Deletes all keys that were created. */
  async deleteAll(): Promise<void> {
    // Independent of each other: a key that cannot be deleted expires, and must not keep the others alive.
    await Promise.allSettled(this.#created.splice(0).map(({ keyId, team }) => this.#keys.remove(keyId, team)));
  }
}
