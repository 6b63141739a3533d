import { mapInBatches } from '../../kernel/batches.ts';
import type { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import { pauseUpTo } from '../../kernel/io/retry.ts';
import { addUsd, type PicoUsd, picoUsd, ZERO_USD } from '../../kernel/money.ts';
import type { Period } from '../../kernel/period.ts';
import { type OrganizationLedger, recallAmount } from '../organization-ledger.ts';
import type { LedgerState } from '../reservation.ts';
import { ledgerItemKey, parseLedgerState } from './ledger-item.ts';
import { recallTransaction } from './writes/lease-transactions.ts';
import { endLeaseWrite } from './writes/limit-writes.ts';

/** The number of teams' ledgers that are read or written at the same time. */
const TEAM_CONCURRENCY = 16;
/** The longest pause after a transfer that lost a race, in milliseconds. */
export const TRANSFER_BACKOFF_MS = 40;

/** A team's ledger as it was read for a recall. */
export type TeamLedger = { readonly team: string; readonly state: LedgerState };

/** The leases that teams hold of the organisation's ledger: ends them, and recalls idle money. */
export class IdleLeases {
  readonly #table: DynamoTable;

  constructor(table: DynamoTable) {
    this.#table = table;
  }

  /** Ends the leases of all holders at a time, except those that end earlier. */
  async end(period: Period, { holders }: OrganizationLedger, atEpochMs: number): Promise<void> {
    await mapInBatches([...holders], TEAM_CONCURRENCY, async (team) => {
      await this.#table.update(`end the lease of ${team}`, ledgerItemKey({ team, period }), endLeaseWrite(atEpochMs));
    });
  }

  /** Recalls idle leases from all teams except `keeper` until `shortPicoUsd` has come back. */
  async recall(
    keeper: string | undefined,
    period: Period,
    { holders }: OrganizationLedger,
    shortPicoUsd: PicoUsd,
  ): Promise<{ readonly hadIdleLeases: boolean; readonly ledgers: readonly TeamLedger[] }> {
    const ledgers = await mapInBatches([...holders], TEAM_CONCURRENCY, async (team) => {
      const item = await this.#table.get(`read the ledger of ${team}`, ledgerItemKey({ team, period }));
      return { team, state: parseLedgerState(item ?? {}) };
    });
    const idle = ledgers.filter(({ team, state }) => team !== keeper && state.leasedPicoUsd > 0n);
    let recalledPicoUsd = ZERO_USD;
    // Largest first: fewest transactions, and that team can best spare it.
    for (const { team, state } of idle.sort(compareByLeased)) {
      if (recalledPicoUsd >= shortPicoUsd) break;
      const amount = recallAmount(state.leasedPicoUsd, picoUsd(shortPicoUsd - recalledPicoUsd));
      const purpose = `recall the lease of ${team}`;
      const outcome = await this.#table.transact(purpose, recallTransaction({ team, period }, amount));
      if ('written' in outcome) recalledPicoUsd = addUsd(recalledPicoUsd, amount);
      else await pauseUpTo(TRANSFER_BACKOFF_MS);
    }
    return { hadIdleLeases: idle.length > 0, ledgers };
  }
}

function compareByLeased(a: TeamLedger, b: TeamLedger): number {
  if (a.state.leasedPicoUsd !== b.state.leasedPicoUsd) return a.state.leasedPicoUsd < b.state.leasedPicoUsd ? 1 : -1;
  return a.team < b.team ? -1 : 1;
}
