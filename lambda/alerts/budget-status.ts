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

/** What a holder's spending stands at, and where it leads; no rate where usage could not be read. */
export type BudgetStatus = BudgetSnapshot & { readonly rate: BurnRate | undefined };

/** How many teams' usage is read at once. */
const MAX_CONCURRENT_READS = 8;

/**
 * What has been spent before today, read once a day and team: whole days do not change any more, and what the projection
 * counts late of them is taken for today's.
 */
export class PastSpendingReader {
  readonly #usage: UsageReader;
  #day: Day | undefined;
  readonly #known = new Map<string, PastSpending>();

  constructor(usage: UsageReader) {
    this.#usage = usage;
  }

  /** A team's; undefined when it cannot be read. Teams come from policies and ledgers, so their number is bounded. */
  async of(team: string, nowEpochMs: number): Promise<PastSpending | undefined> {
    if (dayAt(nowEpochMs) !== this.#day) {
      this.#day = dayAt(nowEpochMs);
      this.#known.clear();
    }
    const known = this.#known.get(team);
    if (known !== undefined) return known;
    const { from, to } = pastDayRange(nowEpochMs);
    const rows = await this.#usage.listRows(team, from, to).catch(() => undefined);
    if (rows === undefined) return undefined;
    const past = sumPastSpending(rows, nowEpochMs);
    this.#known.set(team, past);
    return past;
  }
}

/**
 * The sight of the organisation in a period: all its ledgers together, also of teams that have no policy any more;
 * undefined where a ledger is missing, since a sum of the others would say less than was spent.
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

/** What every team with a policy stands at in the current period, a call or none, and last the organisation. */
export async function readBudgetStatuses(
  swept: Pick<SweepResult, 'budgetSnapshots' | 'caps' | 'failed'>,
  policies: ReadonlyMap<string, TeamPolicy>,
  past: PastSpendingReader,
  nowEpochMs: number,
): Promise<readonly BudgetStatus[]> {
  const period = periodAt(nowEpochMs);
  const seen = new Map(
    swept.budgetSnapshots
      .filter((snapshot) => snapshot.period === period)
      .map((snapshot) => [snapshot.holder, snapshot]),
  );
  const holders = [...new Set([...policies.keys(), ...seen.keys()])];
  const pasts = new Map<string, PastSpending | undefined>();
  await mapInBatches(holders, MAX_CONCURRENT_READS, async (holder) =>
    pasts.set(holder, await past.of(holder, nowEpochMs)),
  );
  const status = (snapshot: BudgetSnapshot, spent: PastSpending | undefined): BudgetStatus => ({
    ...snapshot,
    rate: spent === undefined ? undefined : calculateBurnRate(spent, snapshot, nowEpochMs),
  });
  const statuses = [...policies.values()]
    // What a ledger that could not be read stands at is not known, and not nothing.
    .filter(({ team }) => !swept.failed.includes(team))
    .map(({ team, monthlyBudgetPicoUsd }) => {
      const unopened = { holder: team, period, spentPicoUsd: ZERO_USD, limitPicoUsd: monthlyBudgetPicoUsd };
      return status(seen.get(team) ?? unopened, pasts.get(team));
    });
  const all = organizationSnapshot(swept, policies.values(), period);
  if (all === undefined) return statuses;
  const known = [...pasts.values()].filter((one) => one !== undefined);
  return [
    ...statuses,
    status(all, known.length === pasts.size ? known.reduce(addPastSpending, NO_PAST_SPENDING) : undefined),
  ];
}
