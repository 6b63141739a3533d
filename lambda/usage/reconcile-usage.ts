import { mapInBatches } from '../kernel/batches.ts';
import type { Clock } from '../kernel/clock.ts';
import { absoluteUsd, addUsd, type PicoUsd, ZERO_USD } from '../kernel/money.ts';
import { type Period, periodAt, periodDayRange, periodStartEpochMs } from '../kernel/period.ts';
import type { Ledger, LedgerKey } from '../ledger/ports.ts';
import type { LedgerView } from '../ledger/reservation.ts';
import type { UsageReader } from './ports.ts';
import { usageGap } from './usage.ts';

/** What is told of a ledger and has to be in the usage. */
type Spent = Pick<LedgerView, 'spentPicoUsd' | 'assumedPicoUsd'>;

/** What a reconciliation needs of the world. It writes nothing. */
export type ReconcilePorts = {
  readonly ledger: { read(key: LedgerKey): Promise<Spent | undefined> };
  readonly usage: UsageReader;
  readonly clock: Pick<Clock, 'sleep'>;
};

/** How patiently is compared. */
export type ReconcileTiming = {
  /** How long a ledger must stand still, in milliseconds: by then the stream has brought what was before. */
  readonly quietPeriodMs: number;
  /** How often one that has moved meanwhile is looked at again. */
  readonly attempts: number;
};

/** What the usage lacks of a ledger; less than nothing where it has more. */
export type UsageGap = LedgerKey & {
  readonly spentPicoUsd: PicoUsd;
  readonly assumedPicoUsd: PicoUsd;
  /** Whether that is all of it; of a ledger that never stood still it is known only that at least so much lacks. */
  readonly isExact: boolean;
};

/** What comparing came to. */
export type Reconciliation = {
  /** Ledgers whose usage equals them. */
  readonly equal: number;
  readonly gaps: readonly UsageGap[];
  /** Ledgers that never stood still, and of which nothing is known to lack. */
  readonly busy: readonly LedgerKey[];
  /** Ledgers that could not be read. */
  readonly failed: readonly LedgerKey[];
};

type PendingCheck = { readonly key: LedgerKey; readonly before: Spent; readonly least: PicoUsd };
type CheckResult =
  | { readonly gap: UsageGap }
  | { readonly again: PendingCheck }
  | { readonly failed: LedgerKey }
  | 'equal';

/** How many ledgers are read at once. */
const MAX_CONCURRENT_READS = 8;
const NOTHING: Spent = { spentPicoUsd: ZERO_USD, assumedPicoUsd: ZERO_USD };

/** This period and the last, of every team with a policy or with money drawn in them. */
export async function ledgersToReconcile(
  ledger: Pick<Ledger, 'readOrganization'>,
  policyTeams: Iterable<string>,
  nowEpochMs: number,
): Promise<readonly LedgerKey[]> {
  const period = periodAt(nowEpochMs);
  const teams = [...policyTeams];
  const keys: LedgerKey[] = [];
  for (const each of [period, periodAt(periodStartEpochMs(period) - 1)]) {
    const holders = (await ledger.readOrganization(each))?.holders ?? [];
    for (const team of [...new Set([...teams, ...holders])].sort()) keys.push({ team, period: each });
  }
  return keys;
}

/**
 * Compares ledgers with their usage, which is seconds behind: a ledger that is the same before and after a while had no end
 * meanwhile, so its usage is whole and must equal it. One that moved is looked at again.
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
  const take = (seen: readonly CheckResult[]): readonly PendingCheck[] => {
    for (const one of seen) {
      if (one === 'equal') equal++;
      else if ('gap' in one) gaps.push(one.gap);
      else if ('failed' in one) failed.push(one.failed);
    }
    return seen.flatMap((one) => (one !== 'equal' && 'again' in one ? [one.again] : []));
  };
  let open = take(
    await mapInBatches(keys, MAX_CONCURRENT_READS, (key) =>
      catchFailure(key, async () => ({
        again: { key, before: (await ports.ledger.read(key)) ?? NOTHING, least: ZERO_USD },
      })),
    ),
  );
  for (let attempt = 1; attempt <= attempts && open.length > 0; attempt++) {
    onProgress(keys.length - open.length, keys.length);
    await ports.clock.sleep(quietPeriodMs);
    open = take(
      await mapInBatches(open, MAX_CONCURRENT_READS, (one) => catchFailure(one.key, () => compare(ports, one))),
    );
  }
  onProgress(keys.length - open.length, keys.length);
  for (const { key, least } of open)
    if (least > 0n) gaps.push({ ...key, spentPicoUsd: least, assumedPicoUsd: ZERO_USD, isExact: false });
  const busy = open.filter(({ least }) => least <= 0n).map(({ key }) => key);
  return { equal, gaps, busy, failed };
}

async function compare({ usage, ledger }: ReconcilePorts, { key, before, least }: PendingCheck): Promise<CheckResult> {
  const { from, to } = periodDayRange(key.period);
  const rows = await usage.listRows(key.team, from, to);
  const after = (await ledger.read(key)) ?? NOTHING;
  const lacking = usageGap(rows, key.period, before);
  if (after.spentPicoUsd === before.spentPicoUsd && after.assumedPicoUsd === before.assumedPicoUsd) {
    const isEqual = lacking.spentPicoUsd === 0n && lacking.assumedPicoUsd === 0n;
    return isEqual ? 'equal' : { gap: { ...key, ...lacking, isExact: true } };
  }
  // What has come since only adds to the usage, but for a correction, which takes off what was assumed.
  const isKnown = after.assumedPicoUsd >= before.assumedPicoUsd && lacking.spentPicoUsd > least;
  return { again: { key, before: after, least: isKnown ? lacking.spentPicoUsd : least } };
}

async function catchFailure(key: LedgerKey, attempt: () => Promise<CheckResult>): Promise<CheckResult> {
  return await attempt().catch(() => ({ failed: key }));
}

/** What all gaps come to, each by its size: one that lacks does not make up for one that has too much. */
export function totalGap(gaps: readonly UsageGap[]): PicoUsd {
  return gaps.reduce<PicoUsd>((sum, { spentPicoUsd, assumedPicoUsd }) => {
    const [spent, assumed] = [absoluteUsd(spentPicoUsd), absoluteUsd(assumedPicoUsd)];
    return addUsd(sum, spent > assumed ? spent : assumed);
  }, ZERO_USD);
}

/** A ledger by its name, for people. */
export function formatLedgerKey({ team, period }: { readonly team: string; readonly period: Period }): string {
  return `${team} in ${period}`;
}
