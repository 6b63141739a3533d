/** The place of a key in its team's rotation. */
export type KeyStage = 'current' | 'previous' | 'staged';

/** The facts about a key that its choice depends on. */
export type KeyCandidate = {
  readonly keyId: string;
  /** When the version of the secret was created: in a rotation, moments before it became the current one. */
  readonly createdAtEpochMs: number;
};

/** The gradual rollout of a team's new key. */
export type KeyCanary = {
  /** The share of calls that use the new key, in percent. */
  readonly canaryPercent: number;
  /** The duration of the rollout in minutes, from the key's creation. */
  readonly canaryMinutes: number;
};

/** The time for which a process avoids a key that Groq refused, in milliseconds. */
export const REFUSED_KEY_TTL_MS = 60_000;

const MS_PER_MINUTE = 60_000;

/** True if the current key is so new that only a share of the calls uses it. */
export function isInCanary(current: KeyCandidate, canary: KeyCanary, nowEpochMs: number): boolean {
  const canaryMs = canary.canaryMinutes * MS_PER_MINUTE;
  return canary.canaryPercent < 100 && nowEpochMs - current.createdAtEpochMs < canaryMs;
}

/**
 * The order in which a call tries its team's keys. During a canary only a share of the calls starts with the new key;
 * keys that Groq refused lately come last. The caller skips stages without a key, and keys that the call has tried.
 */
export function rankKeyStages(choice: {
  /** The keys known so far. An unknown key counts as not refused. */
  readonly keys: Readonly<Partial<Record<KeyStage, KeyCandidate>>>;
  readonly isRefused: (keyId: string) => boolean;
  readonly canary: KeyCanary;
  readonly nowEpochMs: number;
  /** From 0 to 1, drawn once per call. */
  readonly random: number;
}): readonly KeyStage[] {
  const { keys, canary, random } = choice;
  const isNew = keys.current !== undefined && isInCanary(keys.current, canary, choice.nowEpochMs);
  const startsWithPrevious = isNew && random * 100 >= canary.canaryPercent;
  const order: readonly KeyStage[] = startsWithPrevious
    ? ['previous', 'current', 'staged']
    : ['current', 'previous', 'staged'];
  const isRefused = (stage: KeyStage) => {
    const key = keys[stage];
    return key !== undefined && choice.isRefused(key.keyId);
  };
  return [...order.filter((stage) => !isRefused(stage)), ...order.filter(isRefused)];
}

/** The keys that Groq refused lately in this process, and the key that replaces the current one. */
export class RefusedKeys {
  readonly #refusedAtEpochMs = new Map<string, number>();
  #fallbackKeyId: string | undefined;

  has(keyId: string, nowEpochMs: number): boolean {
    return this.refusedAtEpochMs(keyId, nowEpochMs) !== undefined;
  }

  /** When Groq refused a key, or undefined if it did not do so lately. */
  refusedAtEpochMs(keyId: string, nowEpochMs: number): number | undefined {
    const atEpochMs = this.#refusedAtEpochMs.get(keyId);
    return atEpochMs !== undefined && nowEpochMs - atEpochMs < REFUSED_KEY_TTL_MS ? atEpochMs : undefined;
  }

  /** Records that Groq refused a key. Returns true if it was not known to be refused. */
  recordRefused(keyId: string, nowEpochMs: number): boolean {
    if (this.has(keyId, nowEpochMs)) return false;
    for (const known of this.#refusedAtEpochMs.keys())
      if (!this.has(known, nowEpochMs)) this.#refusedAtEpochMs.delete(known);
    this.#refusedAtEpochMs.set(keyId, nowEpochMs);
    if (this.#fallbackKeyId === keyId) this.#fallbackKeyId = undefined;
    return true;
  }

  /**
   * Records that Groq accepted a key in a call that started at `startEpochMs`. Returns true if the key starts to replace a
   * refused current key. A call that started before a refusal does not revoke it.
   */
  recordAccepted(keyId: string, currentId: string, startEpochMs: number, nowEpochMs: number): boolean {
    const refusedAtEpochMs = this.#refusedAtEpochMs.get(keyId);
    if (refusedAtEpochMs !== undefined && refusedAtEpochMs < startEpochMs) this.#refusedAtEpochMs.delete(keyId);
    if (keyId === currentId || !this.has(currentId, nowEpochMs)) return false;
    const isNewFallback = this.#fallbackKeyId !== keyId;
    this.#fallbackKeyId = keyId;
    return isNewFallback;
  }
}
