import type { Clock, Log } from '../../kernel/clock.ts';
import type { GroqKeyTrace } from '../../ledger/call-trace.ts';
import { isInCanary, type KeyCanary, type KeyStage, rankKeyStages } from '../groq-key-choice.ts';
import type { StoredGroqKey, TeamGroqKeys } from './team-groq-keys.ts';

/** The maximum keys per call: the current one before and after a refetch, the previous one, and two staged ones. */
const MAX_KEYS = 5;

/** Props of the key attempts of one call. */
export type KeyAttemptsOptions = {
  readonly team: string;
  readonly keys: TeamGroqKeys;
  readonly canary: KeyCanary;
  readonly clock: Clock;
  readonly log: Log;
  readonly deadlineEpochMs: number;
};

/** A key, and its place in the team's rotation. */
type KeyAttempt = { readonly stage: KeyStage; readonly key: StoredGroqKey };

/** The Groq keys that one call tries, in order. */
export class KeyAttempts {
  readonly #options: KeyAttemptsOptions;
  readonly #random: number;
  readonly #startEpochMs: number;
  readonly #refusedIds: string[] = [];
  #attempt: KeyAttempt | undefined;
  #current: StoredGroqKey | undefined;

  constructor(options: KeyAttemptsOptions) {
    this.#options = options;
    this.#random = options.clock.random();
    this.#startEpochMs = options.clock.nowEpochMs();
  }

  /**
   * The next key to send with, or undefined if the team has none, or none is left.
   *
   * @throws StoreError if the current key cannot be read.
   */
  async next(): Promise<StoredGroqKey | undefined> {
    if (this.#refusedIds.length >= MAX_KEYS) return undefined;
    this.#current = await this.#options.keys.current();
    this.#attempt = this.#current === undefined ? undefined : await this.#choose(this.#current);
    return this.#attempt?.key;
  }

  /** Records that Groq refused the last key, and returns the next one, or undefined if none is left. Never throws. */
  async nextAfterRefusal(): Promise<StoredGroqKey | undefined> {
    const { team, keys, clock, log } = this.#options;
    if (this.#attempt === undefined) return undefined;
    const { stage, key } = this.#attempt;
    this.#refusedIds.push(key.keyId);
    if (keys.refused.recordRefused(key.keyId, clock.nowEpochMs()))
      log('groq_key_refused', { team, keyId: key.keyId, stage });
    try {
      const waitMs = keys.refetchAllowedInMs();
      keys.refetch();
      return (await this.next()) ?? (await this.#nextAfterWait(key, waitMs));
    } catch {
      // All readable keys have been tried. The next call fails to read the current key, and logs that.
      return undefined;
    }
  }

  /** Records that Groq accepted the last key: it responded, or may have billed the call. */
  recordAccepted(): void {
    const { team, keys, clock, log } = this.#options;
    if (this.#attempt === undefined || this.#current === undefined) return;
    const { stage, key } = this.#attempt;
    const refusedKeyId = this.#current.keyId;
    if (!keys.refused.recordAccepted(key.keyId, refusedKeyId, this.#startEpochMs, clock.nowEpochMs())) return;
    const event = stage === 'previous' ? 'groq_key_fallback_previous' : 'groq_key_fallback_staged';
    log(event, { team, keyId: key.keyId, refusedKeyId });
  }

  /** The ids of the keys that the call used. */
  trace(isAccepted: boolean): GroqKeyTrace {
    return { usedId: isAccepted ? this.#attempt?.key.keyId : undefined, refusedIds: [...this.#refusedIds] };
  }

  async #choose(current: StoredGroqKey): Promise<KeyAttempt | undefined> {
    const { keys, canary, clock } = this.#options;
    const nowEpochMs = clock.nowEpochMs();
    const isRefused = (keyId: string) => keys.refused.has(keyId, nowEpochMs);
    const isExcluded = (keyId: string) => this.#refusedIds.includes(keyId);
    // The previous key costs one more read per minute, so it is read only if it may be used.
    const needsPrevious = isInCanary(current, canary, nowEpochMs) || isRefused(current.keyId);
    const previous = needsPrevious ? await this.#readFallback('previous', () => keys.previous(current)) : undefined;
    const known = previous === undefined ? { current } : { current, previous };
    const order = rankKeyStages({ keys: known, isRefused, canary, nowEpochMs, random: this.#random });
    const readStaged = () => keys.staged((keyId) => isExcluded(keyId) || isRefused(keyId));
    for (const stage of order) {
      const found = { current, previous, staged: undefined }[stage];
      const key = stage === 'staged' ? await this.#readFallback(stage, readStaged) : found;
      if (key !== undefined && !isExcluded(key.keyId)) return { stage, key };
    }
    return undefined;
  }

  /** Reads a fallback key; one that cannot be read counts as absent. */
  async #readFallback(
    stage: KeyStage,
    read: () => Promise<StoredGroqKey | undefined>,
  ): Promise<StoredGroqKey | undefined> {
    try {
      return await read();
    } catch (error) {
      const { team, log } = this.#options;
      log('groq_key_unreadable', { team, stage, error: error instanceof Error ? error.message : 'unknown' });
      return undefined;
    }
  }

  /** Refetches once more: a key refused within a second of the last refetch may have been replaced in the meantime. */
  async #nextAfterWait(refused: StoredGroqKey, waitMs: number): Promise<StoredGroqKey | undefined> {
    const { keys, clock, deadlineEpochMs } = this.#options;
    const nowEpochMs = clock.nowEpochMs();
    const refusedAtEpochMs = keys.refused.refusedAtEpochMs(refused.keyId, nowEpochMs);
    const isFirstRefusal = refusedAtEpochMs !== undefined && refusedAtEpochMs >= this.#startEpochMs;
    if (waitMs === 0 || !isFirstRefusal || nowEpochMs + waitMs >= deadlineEpochMs) return undefined;
    await clock.sleep(waitMs);
    keys.refetch();
    return await this.next();
  }
}
