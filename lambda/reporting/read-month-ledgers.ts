import { mapInBatches } from '../kernel/batches.ts';
import type { PicoUsd } from '../kernel/money.ts';
import { type Period, periodAt } from '../kernel/period.ts';
import { openLedger } from '../ledger/ledger.ts';
import type { Ledger } from '../ledger/ports.ts';
import { expireTopUps } from '../ledger/top-ups.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { MonthLedger } from './spending-facts.ts';

const MAX_CONCURRENT_READS = 8;

/** Reads a team's ledgers of some months. A month without a call has no ledger, except for the current month's budget. */
export async function readMonthLedgers(
  ledger: Pick<Ledger, 'read'>,
  team: string,
  policy: TeamPolicy | undefined,
  periods: readonly Period[],
  nowEpochMs: number,
): Promise<readonly MonthLedger[]> {
  const ledgers = await mapInBatches(periods, MAX_CONCURRENT_READS, async (period) => {
    const isCurrent = policy !== undefined && period === periodAt(nowEpochMs);
    const stored = await ledger.read({ team, period });
    const state = stored ?? (isCurrent ? openLedger(policy.monthlyBudgetPicoUsd) : undefined);
    if (state === undefined) return [];
    const { limitPicoUsd, spentPicoUsd, reservedPicoUsd, assumedPicoUsd, overrunPicoUsd } = expireTopUps(
      state,
      nowEpochMs,
    );
    return [{ team, period, limitPicoUsd, spentPicoUsd, reservedPicoUsd, assumedPicoUsd, overrunPicoUsd }];
  });
  return ledgers.flat();
}

/** Reads the organisation's cap and the teams with a ledger in each month, which may have left the policies since. */
export async function readOrganizationMonths(
  ledger: Pick<Ledger, 'readOrganization'>,
  policies: ReadonlyMap<string, TeamPolicy>,
  periods: readonly Period[],
  nowEpochMs: number,
): Promise<{ readonly caps: ReadonlyMap<Period, PicoUsd>; readonly teams: ReadonlySet<string> }> {
  const caps = new Map<Period, PicoUsd>();
  const teams = new Set<string>();
  const currentCap = [...policies.values()][0]?.organizationCapPicoUsd;
  for (const period of periods) {
    const organization = await ledger.readOrganization(period);
    const ledgerCap = organization && expireTopUps(organization, nowEpochMs).limitPicoUsd;
    const cap = ledgerCap ?? (period === periodAt(nowEpochMs) ? currentCap : undefined);
    if (cap !== undefined) caps.set(period, cap);
    for (const team of organization?.holders ?? []) teams.add(team);
  }
  return { caps, teams };
}
