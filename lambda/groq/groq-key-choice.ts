/** Where a key stands among the versions of its team's secret. */
export type KeyStage = 'current' | 'previous' | 'staged';

/** As much of a key as its choice depends on. */
export type KeyCandidate = {
  readonly keyId: string;
  /** When its version was made: at a rotation, moments before it became the current one. */
  readonly createdAtEpochMs: number;
};

/** How a team's new key is begun with. */
export type KeyCanary = {
  /** The share of calls that go on the new key, in percent. */
  readonly canaryPercent: number;
  /** For how long, in minutes since it was made. */
  readonly canaryMinutes: number;
};

/** How long a process goes around a key that Groq refused, in milliseconds: it may come back, and another may go. */
export const REFUSED_KEY_TTL_MS = 60_000;

const MS_PER_MINUTE = 60_000;

/** Whether a current key is so new that only a share of the calls goes on it. */
export function isInCanary(current: KeyCandidate, canary: KeyCanary, nowEpochMs: number): boolean {
  const newForMs = canary.canaryMinutes * MS_PER_MINUTE;
  return canary.canaryPercent < 100 && nowEpochMs - current.createdAtEpochMs < newForMs;
}

/**
 * In which order a call tries its team's keys: on a new key only a share of the calls, the others on the one before; what
 * was refused lately comes last. A place without a key, or with one that this call has tried, is left out by the caller.
 */
export function rankKeyStages(choice: {
  /** What is known so far: what is not known is never held to be refused. */
  readonly keys: Readonly<Partial<Record<KeyStage, KeyCandidate>>>;
  readonly isRefused: (keyId: string) => boolean;
  readonly canary: KeyCanary;
  readonly nowEpochMs: number;
  /** From 0 to 1, one for each call. */
  readonly random: number;
}): readonly KeyStage[] {
  const { keys, canary, random } = choice;
  const isNew = keys.current !== undefined && isInCanary(keys.current, canary, choice.nowEpochMs);
  const usesPreviousKey = isNew && random * 100 >= canary.canaryPercent;
  const order: readonly KeyStage[] = usesPreviousKey
    ? ['previous', 'current', 'staged']
    : ['current', 'previous', 'staged'];
  const isLast = (stage: KeyStage) => {
    const key = keys[stage];
    return key !== undefined && choice.isRefused(key.keyId);
  };
  return [...order.filter((stage) => !isLast(stage)), ...order.filter(isLast)];
}

/** The keys that Groq has refused in this process lately, and what is used in their stead. */
export class RefusedKeys {
  readonly #sinceEpochMs = new Map<string, number>();
  #fallbackKeyId: string | undefined;

  has(keyId: string, nowEpochMs: number): boolean {
    const since = this.#sinceEpochMs.get(keyId);
    return since !== undefined && nowEpochMs - since < REFUSED_KEY_TTL_MS;
  }

  /** Since when a key has been refused, where that is so. */
  sinceEpochMs(keyId: string, nowEpochMs: number): number | undefined {
    return this.has(keyId, nowEpochMs) ? this.#sinceEpochMs.get(keyId) : undefined;
  }

  /** Notes a refusal; tells whether it is news. */
  recordRefused(keyId: string, nowEpochMs: number): boolean {
    if (this.has(keyId, nowEpochMs)) return false;
    for (const known of this.#sinceEpochMs.keys()) if (!this.has(known, nowEpochMs)) this.#sinceEpochMs.delete(known);
    this.#sinceEpochMs.set(keyId, nowEpochMs);
    if (this.#fallbackKeyId === keyId) this.#fallbackKeyId = undefined;
    return true;
  }

  /**
   * Notes that Groq took a key, of a call that began at a time; tells whether it is news that this one stands in for the
   * current one. A call that began before a refusal says nothing against it.
   */
  recordAccepted(keyId: string, currentId: string, startEpochMs: number, nowEpochMs: number): boolean {
    const since = this.#sinceEpochMs.get(keyId);
    if (since !== undefined && since < startEpochMs) this.#sinceEpochMs.delete(keyId);
    if (keyId === currentId || !this.has(currentId, nowEpochMs)) return false;
    const isNews = this.#fallbackKeyId !== keyId;
    this.#fallbackKeyId = keyId;
    return isNews;
  }
}
