import type { Clock, Log } from '../../kernel/clock.ts';
import type { GroqKeyTrace } from '../../ledger/call-trace.ts';
import { isInCanary, type KeyCanary, type KeyCandidate, type KeyStage, rankKeyStages } from '../groq-key-choice.ts';
import type { StoredGroqKey, TeamGroqKeys } from './team-groq-keys.ts';

/** The most keys one call is sent with: the current one, before and after a refetch, the previous one, and two staged. */
const MAX_KEYS = 5;

/** What one call needs to try its team's keys. */
export type KeyAttemptsOptions = {
  readonly team: string;
  readonly keys: TeamGroqKeys;
  readonly canary: KeyCanary;
  readonly clock: Clock;
  readonly log: Log;
  readonly deadlineEpochMs: number;
};

/** The Groq keys of one call, in the order in which they are tried. */
export class KeyAttempts {
  readonly #options: KeyAttemptsOptions;
  readonly #random: number;
  readonly #startEpochMs: number;
  readonly #refusedIds: string[] = [];
  #at: { readonly stage: KeyStage; readonly key: StoredGroqKey } | undefined;
  #current: StoredGroqKey | undefined;

  constructor(options: KeyAttemptsOptions) {
    this.#options = options;
    this.#random = options.clock.random();
    this.#startEpochMs = options.clock.nowEpochMs();
  }

  /**
   * The key to send with, or undefined when the team has none, or none is left.
   *
   * @throws StoreError when the first cannot be read.
   */
  async next(): Promise<StoredGroqKey | undefined> {
    if (this.#refusedIds.length >= MAX_KEYS) return undefined;
    this.#current = await this.#options.keys.current();
    this.#at = this.#current === undefined ? undefined : await this.#choose(this.#current);
    return this.#at?.key;
  }

  /** The key to send with after Groq has refused the last one; undefined when none is left. Never throws. */
  async nextAfterRefusal(): Promise<StoredGroqKey | undefined> {
    const { team, keys, clock, log } = this.#options;
    if (this.#at === undefined) return undefined;
    const { stage, key } = this.#at;
    this.#refusedIds.push(key.keyId);
    if (keys.refused.recordRefused(key.keyId, clock.nowEpochMs()))
      log('groq_key_refused', { team, keyId: key.keyId, stage });
    try {
      const waitMs = keys.refetchAllowedInMs();
      keys.refetch();
      return (await this.next()) ?? (await this.#nextAfterWait(key, waitMs));
    } catch {
      // What could be read has been tried, and the operators are told of what could not by the next call.
      return undefined;
    }
  }

  /** Told when Groq took the key: answered, or perhaps billed. */
  taken(): void {
    const { team, keys, clock, log } = this.#options;
    if (this.#at === undefined || this.#current === undefined) return;
    const [{ stage, key }, refusedKeyId] = [this.#at, this.#current.keyId];
    if (!keys.refused.recordAccepted(key.keyId, refusedKeyId, this.#startEpochMs, clock.nowEpochMs())) return;
    log(stage === 'previous' ? 'groq_key_fallback_previous' : 'groq_key_fallback_staged', {
      team,
      keyId: key.keyId,
      refusedKeyId,
    });
  }

  /** What became of the call by key. */
  trace(isAccepted: boolean): GroqKeyTrace {
    return { usedId: isAccepted ? this.#at?.key.keyId : undefined, refusedIds: [...this.#refusedIds] };
  }

  async #choose(
    current: StoredGroqKey,
  ): Promise<{ readonly stage: KeyStage; readonly key: StoredGroqKey } | undefined> {
    const { keys, canary, clock } = this.#options;
    const nowEpochMs = clock.nowEpochMs();
    const isRefused = (keyId: string) => keys.refused.has(keyId, nowEpochMs);
    const isExcluded = (keyId: string) => this.#refusedIds.includes(keyId);
    const known: Partial<Record<KeyStage, KeyCandidate>> = { current };
    // Looked for only when it may be used: a second read a minute while a key is new.
    const isWanted = isInCanary(current, canary, nowEpochMs) || isRefused(current.keyId);
    const previous = isWanted ? await this.#unless('previous', () => keys.previous(current)) : undefined;
    if (previous !== undefined) known.previous = previous;
    const order = rankKeyStages({ keys: known, isRefused, canary, nowEpochMs, random: this.#random });
    const readStaged = () => keys.staged((keyId) => isExcluded(keyId) || isRefused(keyId));
    for (const stage of order) {
      const found = { current, previous, staged: undefined }[stage];
      const key = stage === 'staged' ? await this.#unless(stage, readStaged) : found;
      if (key !== undefined && !isExcluded(key.keyId)) return { stage, key };
    }
    return undefined;
  }

  /** A key beside the current one, as if it were not there where it cannot be read. */
  async #unless(stage: KeyStage, read: () => Promise<StoredGroqKey | undefined>): Promise<StoredGroqKey | undefined> {
    try {
      return await read();
    } catch (error) {
      const { team, log } = this.#options;
      log('groq_key_unreadable', { team, stage, error: error instanceof Error ? error.message : 'unknown' });
      return undefined;
    }
  }

  /** A key that was refused just after another one's refetch may have been replaced meanwhile: one more look, a moment later. */
  async #nextAfterWait(refused: StoredGroqKey, waitMs: number): Promise<StoredGroqKey | undefined> {
    const { keys, clock, deadlineEpochMs } = this.#options;
    const nowEpochMs = clock.nowEpochMs();
    const since = keys.refused.sinceEpochMs(refused.keyId, nowEpochMs);
    const isNews = since !== undefined && since >= this.#startEpochMs;
    if (waitMs === 0 || !isNews || nowEpochMs + waitMs >= deadlineEpochMs) return undefined;
    await clock.sleep(waitMs);
    keys.refetch();
    return await this.next();
  }
}
