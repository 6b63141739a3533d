import { addUsd, type PicoUsd } from '../../kernel/money.ts';
import type { Period } from '../../kernel/period.ts';
import type { OrganizationLedger } from '../organization-ledger.ts';
import type { LedgerKey } from '../ports.ts';
import type { ReserveRefusal, ReserveTerms } from '../reservation.ts';
import { sumReserved } from '../reserved-money.ts';
import type { TeamLedger } from './idle-leases.ts';

/** The refusal of a call because the organisation's cap is used up. */
export type CapExhausted = Extract<ReserveRefusal, { reason: 'organization_budget_exceeded' }>;

/** The time for which a draw that found the cap used up answers later draws, in milliseconds. */
const TTL_MS = 250;

/** The last draw of this process that found the cap used up, so that concurrent draws ask DynamoDB once. */
export class ExhaustedCapCache {
  readonly #nowEpochMs: () => number;
  #last:
    | {
        readonly period: Period;
        /** The only team this holds for, when that team has idle money that others could recall; undefined: all teams. */
        readonly team: string | undefined;
        readonly atEpochMs: number;
        readonly exhausted: CapExhausted;
      }
    | undefined;

  constructor(nowEpochMs: () => number) {
    this.#nowEpochMs = nowEpochMs;
  }

  /** Finds the answer for a draw of `needPicoUsd`. */
  find({ team, period }: LedgerKey, needPicoUsd: PicoUsd): CapExhausted | undefined {
    const last = this.#last;
    if (last === undefined || last.period !== period || (last.team ?? team) !== team) return undefined;
    const isFresh = this.#nowEpochMs() - last.atEpochMs < TTL_MS;
    return isFresh && last.exhausted.availablePicoUsd < needPicoUsd ? last.exhausted : undefined;
  }

  /** Remembers that a team's draw found the cap used up; `ledgers` are those of all teams that have drawn. */
  remember(
    { team, period }: LedgerKey,
    { limitPicoUsd, availablePicoUsd }: OrganizationLedger,
    ledgers: readonly TeamLedger[],
    terms: ReserveTerms,
  ): CapExhausted {
    const reserved = ledgers.map(({ state }) => sumReserved(state, terms));
    const exhausted: CapExhausted = {
      reason: 'organization_budget_exceeded',
      limitPicoUsd,
      availablePicoUsd,
      reservedPicoUsd: addUsd(...reserved.map(({ reservedPicoUsd }) => reservedPicoUsd)),
      reclaimablePicoUsd: addUsd(...reserved.map(({ reclaimablePicoUsd }) => reclaimablePicoUsd)),
    };
    const keepsIdleMoney = ledgers.some((ledger) => ledger.team === team && ledger.state.leasedPicoUsd > 0n);
    this.#last = { period, team: keepsIdleMoney ? team : undefined, atEpochMs: this.#nowEpochMs(), exhausted };
    return exhausted;
  }

  clear(): void {
    this.#last = undefined;
  }
}
