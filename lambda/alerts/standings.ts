import { ORGANIZATION } from '../kernel/holder.ts';
import { inBatches } from '../kernel/in-batches.ts';
import { addUsd, picoUsd, ZERO_USD } from '../kernel/money.ts';
import { type Day, dayOf, type Period, periodOf } from '../kernel/period.ts';
import type { Sight } from '../ledger/budget-standing.ts';
import type { Swept } from '../ledger/sweep.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { UsageReader } from '../usage/ports.ts';
import {
  addPast,
  type BurnRate,
  burnRateOf,
  NO_PAST,
  type PastSpending,
  pastDaysOf,
  pastSpendingOf,
} from './burn-rate.ts';

/** What a holder's spending stands at, and where it leads; no rate where usage could not be read. */
export type Standing = Sight & { readonly rate: BurnRate | undefined };

/** How many teams' usage is read at once. */
const AT_ONCE = 8;

/**
 * What has been spent before today, read once a day and team: whole days do not change any more, and what the projection
 * counts late of them is taken for today's.
 */
export class PastReader {
  readonly #usage: UsageReader;
  #day: Day | undefined;
  readonly #known = new Map<string, PastSpending>();

  constructor(usage: UsageReader) {
    this.#usage = usage;
  }

  /** A team's; undefined when it cannot be read. Teams come from policies and ledgers, so their number is bounded. */
  async of(team: string, nowEpochMs: number): Promise<PastSpending | undefined> {
    if (dayOf(nowEpochMs) !== this.#day) {
      this.#day = dayOf(nowEpochMs);
      this.#known.clear();
    }
    const known = this.#known.get(team);
    if (known !== undefined) return known;
    const { from, to } = pastDaysOf(nowEpochMs);
    const rows = await this.#usage.rowsOf(team, from, to).catch(() => undefined);
    if (rows === undefined) return undefined;
    const past = pastSpendingOf(rows, nowEpochMs);
    this.#known.set(team, past);
    return past;
  }
}

/**
 * The sight of the organisation in a period: all its ledgers together, also of teams that have no policy any more;
 * undefined where a ledger is missing, since a sum of the others would say less than was spent.
 */
export function organizationSight(
  { sights, caps, failed }: Pick<Swept, 'sights' | 'caps' | 'failed'>,
  policies: Iterable<TeamPolicy>,
  period: Period,
): Sight | undefined {
  if (failed.length > 0) return undefined;
  const [policy] = policies;
  const spent = addUsd(ZERO_USD, ...sights.filter((sight) => sight.period === period).map((sight) => sight.spent));
  return {
    holder: ORGANIZATION,
    period,
    spent,
    limit: caps.get(period) ?? policy?.organizationCapPicoUsd ?? picoUsd(0n),
  };
}

/** What every team with a policy stands at in the current period, a call or none, and last the organisation. */
export async function readStandings(
  swept: Pick<Swept, 'sights' | 'caps' | 'failed'>,
  policies: ReadonlyMap<string, TeamPolicy>,
  past: PastReader,
  nowEpochMs: number,
): Promise<readonly Standing[]> {
  const period = periodOf(nowEpochMs);
  const seen = new Map(swept.sights.filter((sight) => sight.period === period).map((sight) => [sight.holder, sight]));
  const holders = [...new Set([...policies.keys(), ...seen.keys()])];
  const pasts = new Map<string, PastSpending | undefined>();
  await inBatches(holders, AT_ONCE, async (holder) => pasts.set(holder, await past.of(holder, nowEpochMs)));
  const standing = (sight: Sight, spent: PastSpending | undefined): Standing => ({
    ...sight,
    rate: spent === undefined ? undefined : burnRateOf(spent, sight, nowEpochMs),
  });
  const standings = [...policies.values()]
    // What a ledger that could not be read stands at is not known, and not nothing.
    .filter(({ team }) => !swept.failed.includes(team))
    .map(({ team, monthlyBudgetPicoUsd }) => {
      const unopened = { holder: team, period, spent: ZERO_USD, limit: monthlyBudgetPicoUsd };
      return standing(seen.get(team) ?? unopened, pasts.get(team));
    });
  const all = organizationSight(swept, policies.values(), period);
  if (all === undefined) return standings;
  const known = [...pasts.values()].filter((one) => one !== undefined);
  return [...standings, standing(all, known.length === pasts.size ? known.reduce(addPast, NO_PAST) : undefined)];
}
