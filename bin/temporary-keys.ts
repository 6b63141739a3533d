import { DynamoKeyStore } from '../lambda/access/io/dynamo-key-store.ts';
import { mintKey } from '../lambda/access/io/gateway-key.ts';
import { CANARY_KEY_PREFIX } from '../lambda/contract.ts';
import { CANARY_TEAM } from '../lambda/policy/canary-team.ts';
import type { Stores } from './stores.ts';

type Tables = Pick<Stores, 'dynamo' | 'registryTable' | 'environmentName'>;

/** Keys that are made for one run of a command and taken away after it. */
export class TemporaryKeys {
  readonly #keys: DynamoKeyStore;
  readonly #environmentName: string;
  readonly #purpose: string;
  readonly #ttlMs: number;
  readonly #made: { readonly keyId: string; readonly team: string }[] = [];

  /** Keys named for a purpose, which end by themselves after so long if they cannot be taken away. */
  constructor({ dynamo, registryTable, environmentName }: Tables, purpose: string, ttlMs: number) {
    this.#keys = new DynamoKeyStore(dynamo, registryTable, Date.now);
    this.#environmentName = environmentName;
    this.#purpose = purpose;
    this.#ttlMs = ttlMs;
  }

  /** Makes a member's key of a team. */
  async create(team: string): Promise<{ readonly key: string; readonly keyId: string }> {
    const minted = mintKey(this.#environmentName, team === CANARY_TEAM ? CANARY_KEY_PREFIX : '');
    this.#made.push({ keyId: minted.keyId, team });
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

  /** Revokes one before its time. */
  async revoke(keyId: string): Promise<void> {
    await this.#keys.revoke(keyId);
  }

  /** Takes away all that were made. */
  async deleteAll(): Promise<void> {
    // Each on its own: one that cannot be taken away must not keep the others, and ends by itself.
    await Promise.allSettled(this.#made.splice(0).map(({ keyId, team }) => this.#keys.remove(keyId, team)));
  }
}
