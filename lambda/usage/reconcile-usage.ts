import { mapInBatches } from '../kernel/batches.ts';
import type { Clock } from '../kernel/clock.ts';
import { absoluteUsd, addUsd, type PicoUsd, ZERO_USD } from '../kernel/money.ts';
import { periodAt, periodDayRange, periodStartEpochMs } from '../kernel/period.ts';
import type { Ledger, LedgerKey } from '../ledger/ports.ts';
import type { LedgerView } from '../ledger/reservation.ts';
import type { UsageReader } from './ports.ts';
import { usageGap } from './usage.ts';

/** Spending of a ledger that usage must contain. */
type Spending = Pick<LedgerView, 'spentPicoUsd' | 'assumedPicoUsd'>;

/** Dependencies of a reconciliation, all of them read-only. */
export type ReconcilePorts = {
  readonly ledger: { read(key: LedgerKey): Promise<Spending | undefined> };
  readonly usage: UsageReader;
  readonly clock: Pick<Clock, 'sleep'>;
};

/** Delay and number of comparisons. */
export type ReconcileTiming = {
  /** Time that a ledger must stay unchanged; by then, the stream has delivered all earlier ends. */
  readonly quietPeriodMs: number;
  /** Maximum comparisons of a ledger that keeps changing. */
  readonly attempts: number;
};

/** Spending of a ledger that its usage lacks; negative if usage has more. */
export type UsageGap = LedgerKey & {
  readonly spentPicoUsd: PicoUsd;
  readonly assumedPicoUsd: PicoUsd;
  /** False for a ledger that kept changing, of which at least this much is missing. */
  readonly isExact: boolean;
};

/** Result of a reconciliation. */
export type Reconciliation = {
  /** Number of ledgers that equal their usage. */
  readonly equal: number;
  readonly gaps: readonly UsageGap[];
  /** Ledgers that kept changing and are not known to lack anything. */
  readonly busy: readonly LedgerKey[];
  readonly failed: readonly LedgerKey[];
};

type PendingCheck = { readonly key: LedgerKey; readonly before: Spending; readonly minGapPicoUsd: PicoUsd };
type CheckResult =
  | { readonly gap: UsageGap }
  | { readonly pending: PendingCheck }
  | { readonly failed: LedgerKey }
  | 'equal';

/** Maximum number of ledgers that are read concurrently. */
const MAX_CONCURRENT_READS = 8;
const NOTHING: Spending = { spentPicoUsd: ZERO_USD, assumedPicoUsd: ZERO_USD };

/** Lists the ledgers of this period and the last, of every team with a policy or with spending in them. */
export async function ledgersToReconcile(
  ledger: Pick<Ledger, 'readOrganization'>,
  policyTeams: Iterable<string>,
  nowEpochMs: number,
): Promise<readonly LedgerKey[]> {
  const current = periodAt(nowEpochMs);
  const teams = [...policyTeams];
  const keys: LedgerKey[] = [];
  for (const period of [current, periodAt(periodStartEpochMs(current) - 1)]) {
    const holders = (await ledger.readOrganization(period))?.holders ?? [];
    for (const team of [...new Set([...teams, ...holders])].sort()) keys.push({ team, period });
  }
  return keys;
}

/**
 * Compares ledgers with their usage, which is seconds behind. A ledger that stays unchanged for the quiet period had no end
 * in that time, so its usage is complete and must equal it. One that changed is compared again.
 */
export async function reconcileUsage(
  ports: ReconcilePorts,
  keys: readonly LedgerKey[],
  { quietPeriodMs, attempts }: ReconcileTiming,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Reconciliation> {
  const failed: LedgerKey[] = [];
  const gaps: UsageGap[] = [];
  let equal = 0;
  const collect = (results: readonly CheckResult[]): readonly PendingCheck[] => {
    for (const result of results) {
      if (result === 'equal') equal++;
      else if ('gap' in result) gaps.push(result.gap);
      else if ('failed' in result) failed.push(result.failed);
    }
    return results.flatMap((result) => (result !== 'equal' && 'pending' in result ? [result.pending] : []));
  };
  let pending = collect(
    await mapInBatches(keys, MAX_CONCURRENT_READS, (key) =>
      catchFailure(key, async () => ({
        pending: { key, before: (await ports.ledger.read(key)) ?? NOTHING, minGapPicoUsd: ZERO_USD },
      })),
    ),
  );
  for (let attempt = 1; attempt <= attempts && pending.length > 0; attempt++) {
    onProgress(keys.length - pending.length, keys.length);
    await ports.clock.sleep(quietPeriodMs);
    pending = collect(
      await mapInBatches(pending, MAX_CONCURRENT_READS, (check) =>
        catchFailure(check.key, () => compare(ports, check)),
      ),
    );
  }
  onProgress(keys.length - pending.length, keys.length);
  for (const { key, minGapPicoUsd } of pending)
    if (minGapPicoUsd > 0n)
      gaps.push({ ...key, spentPicoUsd: minGapPicoUsd, assumedPicoUsd: ZERO_USD, isExact: false });
  const busy = pending.filter(({ minGapPicoUsd }) => minGapPicoUsd <= 0n).map(({ key }) => key);
  return { equal, gaps, busy, failed };
}

async function compare(
  { usage, ledger }: ReconcilePorts,
  { key, before, minGapPicoUsd }: PendingCheck,
): Promise<CheckResult> {
  const { from, to } = periodDayRange(key.period);
  const rows = await usage.listRows(key.team, from, to);
  const after = (await ledger.read(key)) ?? NOTHING;
  const gap = usageGap(rows, key.period, before);
  if (after.spentPicoUsd === before.spentPicoUsd && after.assumedPicoUsd === before.assumedPicoUsd) {
    const isEqual = gap.spentPicoUsd === 0n && gap.assumedPicoUsd === 0n;
    return isEqual ? 'equal' : { gap: { ...key, ...gap, isExact: true } };
  }
  // New ends only add to usage, except for a correction, which reduces assumed spending. Without one, the gap is a minimum.
  const isLargerMin = after.assumedPicoUsd >= before.assumedPicoUsd && gap.spentPicoUsd > minGapPicoUsd;
  return { pending: { key, before: after, minGapPicoUsd: isLargerMin ? gap.spentPicoUsd : minGapPicoUsd } };
}

async function catchFailure(key: LedgerKey, attempt: () => Promise<CheckResult>): Promise<CheckResult> {
  return await attempt().catch(() => ({ failed: key }));
}

/** Adds up the sizes of gaps, so that a positive and a negative one do not cancel out. */
export function totalGap(gaps: readonly UsageGap[]): PicoUsd {
  return gaps.reduce<PicoUsd>((sum, { spentPicoUsd, assumedPicoUsd }) => {
    const [spent, assumed] = [absoluteUsd(spentPicoUsd), absoluteUsd(assumedPicoUsd)];
    return addUsd(sum, spent > assumed ? spent : assumed);
  }, ZERO_USD);
}

/** Formats a ledger's key for people. */
export function formatLedgerKey({ team, period }: LedgerKey): string {
  return `${team} in ${period}`;
}
