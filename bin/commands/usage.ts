import { systemClock } from '../../lambda/kernel/io/system.ts';
import { toUsdString } from '../../lambda/kernel/money.ts';
import { didYouMean } from '../../lambda/kernel/nearest-word.ts';
import { periodStartEpochMs } from '../../lambda/kernel/period.ts';
import { renderTextTable } from '../../lambda/kernel/text-table.ts';
import { DynamoLedger } from '../../lambda/ledger/io/dynamo-ledger.ts';
import type { LedgerKey } from '../../lambda/ledger/ports.ts';
import { DynamoAuditLog } from '../../lambda/policy/io/dynamo-audit-log.ts';
import { Registry } from '../../lambda/policy/io/registry.ts';
import { DynamoUsage } from '../../lambda/usage/io/dynamo-usage.ts';
import {
  formatLedgerKey,
  ledgersToReconcile,
  type ReconcileTiming,
  reconcileUsage,
  type UsageGap,
} from '../../lambda/usage/reconcile-usage.ts';
import { buildAdjustment, type UsageAdjustment } from '../../lambda/usage/usage-adjustment.ts';
import { CommandError } from '../deployment.ts';
import type { Progress } from '../progress.ts';
import { type EnvironmentSelector, openStores, type Stores } from '../stores.ts';
import { openLedgerStream } from '../usage/ledger-stream.ts';
import { replayStream } from '../usage/replay.ts';

/** What the command is told. */
export type RebuildOptions = EnvironmentSelector & {
  readonly team: string | undefined;
  readonly period: string | undefined;
  /** Whether what cannot be attributed to calls any more is written as such. */
  readonly adjust: boolean;
  readonly reason: string | undefined;
  readonly json: boolean;
};

/** How long a ledger must stand still: AWS gathers records for a second, `npm start` for a quarter. */
const TIMING: ReconcileTiming = { quietPeriodMs: 10_000, attempts: 6 };
const LOCAL_TIMING: ReconcileTiming = { quietPeriodMs: 1_000, attempts: 10 };

type Ports = {
  readonly ledger: DynamoLedger;
  readonly usage: DynamoUsage;
  readonly audit: DynamoAuditLog;
};

/**
 * `usage rebuild`: counts what the stream still tells and was not counted, and says what lacks then; with `--adjust` that is
 * written into the usage as spent by nobody known. Tells whether usage and ledgers are one.
 */
export async function rebuildUsage(options: RebuildOptions, progress: Progress): Promise<boolean> {
  checkOptions(options);
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
    progress.showMessage(`records of the stream read: ${records}`),
  );
  const earlier = new Map<string, number>();
  // Before the gaps are looked for: whoever adjusts in between takes the number, and ours is not made.
  for (const key of keys) earlier.set(formatLedgerKey(key), await ports.usage.countAdjustments(key));
  const patience = options.local ? LOCAL_TIMING : TIMING;
  const found = await reconcileUsage({ ...ports, clock: systemClock }, keys, patience, (done, of) =>
    progress.step('ledgers compared', done, of),
  );
  progress.end();
  if (found.failed.length > 0) throw new CommandError(`cannot read ${found.failed.map(formatLedgerKey).join(', ')}`);
  const adjusted: UsageAdjustment[] = [];
  if (options.adjust) {
    const moving = [...found.busy, ...found.gaps.filter(({ isExact }) => !isExact)];
    if (moving.length > 0)
      throw new CommandError(
        `calls go on in ${moving.map(formatLedgerKey).join(', ')}, so what lacks there is not known exactly and nothing was adjusted; try again when they rest, or pause them`,
      );
    for (const gap of found.gaps) adjusted.push(await adjust(options, stores, ports, gap, earlier));
  }
  const isWhole = found.busy.length === 0 && found.gaps.length === adjusted.length;
  const facts = { ...replayed, equal: found.equal, isWhole };
  if (options.json)
    console.log(
      JSON.stringify({ ...facts, gaps: found.gaps.map(toJson), adjusted: adjusted.map(toJson), busy: found.busy }),
    );
  else console.log(renderRebuild(facts, found.gaps, found.busy, adjusted.length > 0));
  return isWhole;
}

function checkOptions({ adjust, reason, period }: RebuildOptions): void {
  if (adjust && (reason === undefined || reason === ''))
    throw new CommandError('--reason is missing: it stands in the audit trail');
  if (period !== undefined && !/^\d{4}-(0[1-9]|1[0-2])$/.test(period))
    throw new CommandError(`--period is "${period}"; it must be a month such as 2026-11`);
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
  earlier: ReadonlyMap<string, number>,
): Promise<UsageAdjustment> {
  const adjustment = buildAdjustment(gap, earlier.get(formatLedgerKey(gap)) ?? 0, Date.now());
  const { team, period, sequence } = adjustment;
  await audit.append({
    atEpochMs: Date.now(),
    id: `usage-adjustment-${team}-${period}-${sequence}`,
    actor: await stores.readActor(),
    action: 'adjust usage',
    subject: team,
    details: `${formatLedgerKey(gap)}, adjustment ${sequence}: $${toUsdString(gap.spentPicoUsd)} (assumed $${toUsdString(gap.assumedPicoUsd)}) put down as unattributed: ${reason}`,
    team,
    source: 'cli',
  });
  if (!(await usage.adjust(adjustment)))
    throw new CommandError(`somebody else has adjusted ${formatLedgerKey(gap)} meanwhile; look again`);
  return adjustment;
}

function toJson({ spentPicoUsd, assumedPicoUsd, ...rest }: UsageGap | UsageAdjustment): object {
  return { ...rest, spent_usd: toUsdString(spentPicoUsd), assumed_usd: toUsdString(assumedPicoUsd) };
}

function renderRebuild(
  {
    records,
    counted,
    unreadable,
    equal,
  }: { readonly records: number; readonly counted: number; readonly unreadable: number; readonly equal: number },
  gaps: readonly UsageGap[],
  busy: readonly LedgerKey[],
  isAdjusted: boolean,
): string {
  const lines = [
    `The stream had ${records} records; ${counted} ends of calls or batches of refusals had not been counted, and are now.`,
    ...(unreadable === 0 ? [] : [`${unreadable} records cannot be read: see unreadable_record in docs/operations.md.`]),
    `${equal} ledgers are equal to their usage.`,
  ];
  if (gaps.length > 0) {
    const rows = gaps.map(({ team, period, spentPicoUsd, assumedPicoUsd, isExact }) => [
      team,
      period,
      `${isExact ? '' : 'at least '}$${toUsdString(spentPicoUsd)}`,
      `$${toUsdString(assumedPicoUsd)}`,
    ]);
    const what = isAdjusted
      ? 'What lacked is now in the usage, of the key "-" and the model "unattributed":'
      : 'What the usage lacks, and the stream does not tell any more (--adjust --reason TEXT writes it down as such):';
    lines.push(what, renderTextTable(['team', 'period', 'spent', 'assumed'], rows));
  }
  if (busy.length > 0) lines.push(`Not compared, since calls go on: ${busy.map(formatLedgerKey).join(', ')}.`);
  return lines.join('\n');
}
