import { mintKey, TeamKeys } from '../lambda/access/io/team-keys.ts';
import { CANARY_KEY_PREFIX } from '../lambda/contract.ts';
import { CANARY_TEAM } from '../lambda/policy/canary.ts';
import type { Stores } from './stores.ts';

type Tables = Pick<Stores, 'dynamo' | 'registryTable' | 'environmentName'>;

/** Keys that are made for one run of a command and taken away after it. */
export class TemporaryKeys {
  readonly #keys: TeamKeys;
  readonly #environmentName: string;
  readonly #purpose: string;
  readonly #lifeMs: number;
  readonly #made: { readonly keyId: string; readonly team: string }[] = [];

  /** Keys named for a purpose, which end by themselves after so long if they cannot be taken away. */
  constructor({ dynamo, registryTable, environmentName }: Tables, purpose: string, lifeMs: number) {
    this.#keys = new TeamKeys(dynamo, registryTable, Date.now);
    this.#environmentName = environmentName;
    this.#purpose = purpose;
    this.#lifeMs = lifeMs;
  }

  /** Makes a member's key of a team. */
  async make(team: string): Promise<{ readonly key: string; readonly keyId: string }> {
    const minted = mintKey(this.#environmentName, team === CANARY_TEAM ? CANARY_KEY_PREFIX : '');
    this.#made.push({ keyId: minted.keyId, team });
    const createdAtEpochMs = Date.now();
    await this.#keys.put(minted.key, {
      keyId: minted.keyId,
      role: 'member',
      team,
      name: `${team}-${this.#environmentName}-${this.#purpose}`,
      createdAtEpochMs,
      expiresAtEpochMs: createdAtEpochMs + this.#lifeMs,
      isTemporary: true,
    });
    return minted;
  }

  /** Revokes one before its time. */
  async revoke(keyId: string): Promise<void> {
    await this.#keys.revoke(keyId);
  }

  /** Takes away all that were made. */
  async forgetAll(): Promise<void> {
    // Each on its own: one that cannot be taken away must not keep the others, and ends by itself.
    await Promise.allSettled(this.#made.splice(0).map(({ keyId, team }) => this.#keys.forget(keyId, team)));
  }
}
