import { mapInBatches } from '../kernel/batches.ts';
import { addUsd, picoUsd, ZERO_USD } from '../kernel/money.ts';
import { ORGANIZATION } from '../kernel/organization.ts';
import { type Day, dayAt, type Period, periodAt } from '../kernel/period.ts';
import type { BudgetSnapshot } from '../ledger/budget-snapshot.ts';
import type { SweepResult } from '../ledger/sweep.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { UsageReader } from '../usage/ports.ts';
import {
  addPastSpending,
  type BurnRate,
  calculateBurnRate,
  NO_PAST_SPENDING,
  type PastSpending,
  pastDayRange,
  sumPastSpending,
} from './burn-rate.ts';

/** A holder's spending and its burn rate; no rate if usage could not be read. */
export type BudgetStatus = BudgetSnapshot & { readonly rate: BurnRate | undefined };

/** Maximum number of teams whose usage is read concurrently. */
const MAX_CONCURRENT_READS = 8;

/**
 * Reads spending before today and caches it per team until the day ends. Past days no longer change; a call that usage
 * counts late for a past day shows up as today's spending.
 */
export class PastSpendingReader {
  readonly #usage: UsageReader;
  #day: Day | undefined;
  readonly #cache = new Map<string, PastSpending>();

  constructor(usage: UsageReader) {
    this.#usage = usage;
  }

  /** Reads a team's; undefined if usage fails. Teams come from policies and ledgers, so the cache is bounded. */
  async read(team: string, nowEpochMs: number): Promise<PastSpending | undefined> {
    if (dayAt(nowEpochMs) !== this.#day) {
      this.#day = dayAt(nowEpochMs);
      this.#cache.clear();
    }
    const cached = this.#cache.get(team);
    if (cached !== undefined) return cached;
    const { from, to } = pastDayRange(nowEpochMs);
    const rows = await this.#usage.listRows(team, from, to).catch(() => undefined);
    if (rows === undefined) return undefined;
    const past = sumPastSpending(rows, nowEpochMs);
    this.#cache.set(team, past);
    return past;
  }
}

/**
 * Adds up all ledgers of a period, including those of former teams. It is undefined if a ledger could not be read, because
 * the sum of the others would be too low.
 */
export function organizationSnapshot(
  { budgetSnapshots, caps, failed }: Pick<SweepResult, 'budgetSnapshots' | 'caps' | 'failed'>,
  policies: Iterable<TeamPolicy>,
  period: Period,
): BudgetSnapshot | undefined {
  if (failed.length > 0) return undefined;
  const [policy] = policies;
  const spentPicoUsd = addUsd(
    ZERO_USD,
    ...budgetSnapshots.filter((snapshot) => snapshot.period === period).map((snapshot) => snapshot.spentPicoUsd),
  );
  return {
    holder: ORGANIZATION,
    period,
    spentPicoUsd,
    limitPicoUsd: caps.get(period) ?? policy?.organizationCapPicoUsd ?? picoUsd(0n),
  };
}

/** Reads the status of every team with a policy, even without a call, and finally of the organisation. */
export async function readBudgetStatuses(
  swept: Pick<SweepResult, 'budgetSnapshots' | 'caps' | 'failed'>,
  policies: ReadonlyMap<string, TeamPolicy>,
  past: PastSpendingReader,
  nowEpochMs: number,
): Promise<readonly BudgetStatus[]> {
  const period = periodAt(nowEpochMs);
  const current = new Map(
    swept.budgetSnapshots
      .filter((snapshot) => snapshot.period === period)
      .map((snapshot) => [snapshot.holder, snapshot]),
  );
  const holders = [...new Set([...policies.keys(), ...current.keys()])];
  const pasts = new Map<string, PastSpending | undefined>();
  await mapInBatches(holders, MAX_CONCURRENT_READS, async (holder) =>
    pasts.set(holder, await past.read(holder, nowEpochMs)),
  );
  const status = (snapshot: BudgetSnapshot, spent: PastSpending | undefined): BudgetStatus => ({
    ...snapshot,
    rate: spent === undefined ? undefined : calculateBurnRate(spent, snapshot, nowEpochMs),
  });
  const statuses = [...policies.values()]
    // The spending of an unreadable ledger is unknown, not zero.
    .filter(({ team }) => !swept.failed.includes(team))
    .map(({ team, monthlyBudgetPicoUsd }) => {
      const unopened = { holder: team, period, spentPicoUsd: ZERO_USD, limitPicoUsd: monthlyBudgetPicoUsd };
      return status(current.get(team) ?? unopened, pasts.get(team));
    });
  const organization = organizationSnapshot(swept, policies.values(), period);
  if (organization === undefined) return statuses;
  const known = [...pasts.values()].filter((spending) => spending !== undefined);
  return [
    ...statuses,
    status(organization, known.length === pasts.size ? known.reduce(addPastSpending, NO_PAST_SPENDING) : undefined),
  ];
}
