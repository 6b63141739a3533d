import { systemClock } from '../../lambda/kernel/io/system.ts';
import { toUsdString } from '../../lambda/kernel/money.ts';
import { didYouMean } from '../../lambda/kernel/nearest-word.ts';
import { periodStartEpochMs } from '../../lambda/kernel/period.ts';
import { DynamoLedger } from '../../lambda/ledger/io/dynamo-ledger.ts';
import type { LedgerKey } from '../../lambda/ledger/ports.ts';
import { DynamoAuditLog } from '../../lambda/policy/io/dynamo-audit-log.ts';
import { Registry } from '../../lambda/policy/io/registry.ts';
import { DynamoUsage } from '../../lambda/usage/io/dynamo-usage.ts';
import {
  formatLedgerKey,
  ledgersToReconcile,
  type ReconcileTiming,
  type Reconciliation,
  reconcileUsage,
  type UsageGap,
} from '../../lambda/usage/reconcile-usage.ts';
import { buildAdjustment, type UsageAdjustment } from '../../lambda/usage/usage-adjustment.ts';
import { CommandError } from '../command-error.ts';
import type { Progress } from '../progress.ts';
import { type EnvironmentSelector, openStores, type Stores } from '../stores.ts';
import { openLedgerStream } from '../usage/ledger-stream.ts';
import { renderRebuild, renderRebuildJson } from '../usage/rebuild-report.ts';
import { replayStream } from '../usage/replay.ts';

/** Options of `usage rebuild`. */
export type RebuildOptions = EnvironmentSelector & {
  readonly team: string | undefined;
  readonly period: string | undefined;
  /** Records what is still missing as unattributed. */
  readonly adjust: boolean;
  readonly reason: string | undefined;
  readonly json: boolean;
};

/** Quiet periods longer than the stream's batching window: one second on AWS, a quarter under `npm start`. */
const TIMING: ReconcileTiming = { quietPeriodMs: 10_000, attempts: 6 };
const LOCAL_TIMING: ReconcileTiming = { quietPeriodMs: 1_000, attempts: 10 };

type Ports = {
  readonly ledger: DynamoLedger;
  readonly usage: DynamoUsage;
  readonly audit: DynamoAuditLog;
};

/**
 * `usage rebuild`: counts the stream's records that usage is missing, then compares usage with the ledgers. With `--adjust` it
 * records the remaining gaps as unattributed. Returns whether usage matches the ledgers.
 */
export async function rebuildUsage(options: RebuildOptions, progress: Progress): Promise<boolean> {
  if (options.adjust && options.reason === undefined)
    throw new CommandError('--adjust needs --reason <text>, which is recorded in the audit trail');
  const stores = await openStores(options);
  const { dynamo, ledgerTable, usageTable, registryTable } = stores;
  const ports = {
    ledger: new DynamoLedger(dynamo, ledgerTable, Date.now),
    usage: new DynamoUsage(dynamo, usageTable, Date.now),
    audit: new DynamoAuditLog(dynamo, registryTable),
  };
  const keys = await findLedgers(options, stores, ports);
  const stream = await openLedgerStream(dynamo, ledgerTable, stores.streamEndpoint);
  const replayed = await replayStream(stream, ports.usage, options, (records) =>
    progress.showMessage(`stream records read: ${records}`),
  );
  // Read before the gaps: a concurrent adjustment then takes the same number, and ours fails.
  const sequences = new Map<string, number>();
  for (const key of keys) sequences.set(formatLedgerKey(key), await ports.usage.countAdjustments(key));
  const timing = options.local ? LOCAL_TIMING : TIMING;
  const found = await reconcileUsage({ ...ports, clock: systemClock }, keys, timing, (done, total) =>
    progress.step('ledgers compared', done, total),
  );
  progress.end();
  if (found.failed.length > 0) throw new CommandError(`cannot read ${found.failed.map(formatLedgerKey).join(', ')}`);
  const adjusted: UsageAdjustment[] = [];
  if (options.adjust) {
    requireQuietLedgers(found);
    for (const gap of found.gaps) adjusted.push(await adjust(options, stores, ports, gap, sequences));
  }
  const isWhole = found.busy.length === 0 && found.gaps.length === adjusted.length;
  const { equal, gaps, busy } = found;
  const report = { replayed, equal, gaps, adjusted, busy, isWhole };
  console.log(options.json ? renderRebuildJson(report) : renderRebuild(report));
  return isWhole;
}

function requireQuietLedgers({ busy, gaps }: Reconciliation): void {
  const moving = [...busy, ...gaps.filter(({ isExact }) => !isExact)];
  if (moving.length === 0) return;
  throw new CommandError(
    `calls are in progress in ${moving.map(formatLedgerKey).join(', ')}, so the gaps there are not exact and nothing was adjusted; retry when they are idle, or pause them`,
  );
}

async function findLedgers(
  { team, period }: RebuildOptions,
  { dynamo, registryTable, environmentName }: Stores,
  { ledger }: Ports,
): Promise<readonly LedgerKey[]> {
  const published = await new Registry(dynamo, registryTable, Date.now).readCurrent();
  const nowEpochMs = period === undefined ? Date.now() : periodStartEpochMs(period);
  const all = await ledgersToReconcile(ledger, published?.environment.teams.keys() ?? [], nowEpochMs);
  const teams = [...new Set(all.map((key) => key.team))];
  if (team !== undefined && !teams.includes(team))
    throw new CommandError(`${environmentName} has no team "${team}"${didYouMean(team, teams)}`);
  return all.filter((key) => (team ?? key.team) === key.team && (period ?? key.period) === key.period);
}

async function adjust(
  { reason = '' }: RebuildOptions,
  stores: Stores,
  { audit, usage }: Ports,
  gap: UsageGap,
  sequences: ReadonlyMap<string, number>,
): Promise<UsageAdjustment> {
  const adjustment = buildAdjustment(gap, sequences.get(formatLedgerKey(gap)) ?? 0, Date.now());
  const { team, period, sequence } = adjustment;
  await audit.append({
    atEpochMs: Date.now(),
    id: `usage-adjustment-${team}-${period}-${sequence}`,
    actor: await stores.readActor(),
    action: 'adjust usage',
    subject: team,
    details: `${formatLedgerKey(gap)}, adjustment ${sequence}: $${toUsdString(gap.spentPicoUsd)} (assumed $${toUsdString(gap.assumedPicoUsd)}) recorded as unattributed: ${reason}`,
    team,
    source: 'cli',
  });
  if (!(await usage.adjust(adjustment)))
    throw new CommandError(
      `${formatLedgerKey(gap)} was adjusted by someone else at the same time; run the command again`,
    );
  return adjustment;
}
