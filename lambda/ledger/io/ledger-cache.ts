import type { KeyLedger } from '../key-ledger.ts';
import type { CachedLedgerView, LedgerKey } from '../ports.ts';
import type { LedgerState, LedgerView, ReserveTerms } from '../reservation.ts';

/** The maximum number of ledgers, and of keys' shares, in the cache. */
const MAX_ENTRIES = 1_000;

/** The ledgers and keys' shares as this process last read or wrote them. */
export class LedgerCache {
  readonly #nowEpochMs: () => number;
  readonly #views = new Map<string, CachedLedgerView>();
  readonly #keyLedgers = new Map<string, KeyLedger>();

  constructor(nowEpochMs: () => number) {
    this.#nowEpochMs = nowEpochMs;
  }

  get(key: LedgerKey): CachedLedgerView | undefined {
    return this.#views.get(cacheKey(key));
  }

  remember<V extends LedgerView>(key: LedgerKey, view: V): V {
    if (this.#views.size >= MAX_ENTRIES) this.#views.clear();
    this.#views.set(cacheKey(key), { view, seenAtEpochMs: this.#nowEpochMs() });
    return view;
  }

  forget(key: LedgerKey): void {
    this.#views.delete(cacheKey(key));
  }

  /** Returns a key's share, from the last read of the whole ledger or from the last reserve with that key. */
  getKeyLedger(key: LedgerKey, keyId: string | undefined): KeyLedger | undefined {
    if (keyId === undefined) return undefined;
    const view = this.get(key)?.view;
    const known = view !== undefined && 'keys' in view ? (view as LedgerState).keys.get(keyId) : undefined;
    return known ?? this.#keyLedgers.get(`${cacheKey(key)} ${keyId}`);
  }

  /** Remembers the key's share that a reserve returned. */
  rememberKeyLedger(key: LedgerKey, { key: terms }: ReserveTerms, { key: share }: LedgerView): void {
    if (terms === undefined || share === undefined) return;
    if (this.#keyLedgers.size >= MAX_ENTRIES) this.#keyLedgers.clear();
    this.#keyLedgers.set(`${cacheKey(key)} ${terms.id}`, share);
  }
}

function cacheKey({ team, period }: LedgerKey): string {
  return `${team} ${period}`;
}
