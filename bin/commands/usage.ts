import { systemClock } from '../../lambda/kernel/io/system.ts';
import { usdText } from '../../lambda/kernel/money.ts';
import { didYouMean } from '../../lambda/kernel/nearest-word.ts';
import { periodStartsAtEpochMs } from '../../lambda/kernel/period.ts';
import { DynamoLedger } from '../../lambda/ledger/io/dynamo-ledger.ts';
import type { LedgerKey } from '../../lambda/ledger/ports.ts';
import { DynamoAudit } from '../../lambda/policy/io/dynamo-audit.ts';
import { Registry } from '../../lambda/policy/io/registry.ts';
import { renderTable } from '../../lambda/reporting/render/columns.ts';
import { DynamoUsage } from '../../lambda/usage/io/dynamo-usage.ts';
import {
  ledgersToReconcile,
  ledgerText,
  type Patience,
  reconcileUsage,
  type UsageGap,
} from '../../lambda/usage/reconcile-usage.ts';
import { adjustmentOf, type UsageAdjustment } from '../../lambda/usage/usage-adjustment.ts';
import { CommandError } from '../deployment.ts';
import type { Progress } from '../progress.ts';
import { openStores, type Stores, type Where } from '../stores.ts';
import { replayStream } from '../usage/replay.ts';
import { streamOf } from '../usage/stream-of.ts';

/** What the command is told. */
export type RebuildOptions = Where & {
  readonly team: string | undefined;
  readonly period: string | undefined;
  /** Whether what cannot be attributed to calls any more is written as such. */
  readonly adjust: boolean;
  readonly reason: string | undefined;
  readonly json: boolean;
};

/** How long a ledger must stand still: AWS gathers records for a second, `npm start` for a quarter. */
const PATIENCE: Patience = { stillMs: 10_000, looks: 6 };
const LOCAL_PATIENCE: Patience = { stillMs: 1_000, looks: 10 };

type Ports = {
  readonly ledger: DynamoLedger;
  readonly usage: DynamoUsage;
  readonly audit: DynamoAudit;
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
    audit: new DynamoAudit(dynamo, registryTable),
  };
  const keys = await ledgersOf(options, stores, ports);
  const stream = await streamOf(dynamo, ledgerTable, stores.streamEndpoint);
  const replayed = await replayStream(stream, ports.usage, options, (records) =>
    progress.say(`records of the stream read: ${records}`),
  );
  const earlier = new Map<string, number>();
  // Before the gaps are looked for: whoever adjusts in between takes the number, and ours is not made.
  for (const key of keys) earlier.set(ledgerText(key), await ports.usage.adjustmentsOf(key));
  const patience = options.local ? LOCAL_PATIENCE : PATIENCE;
  const found = await reconcileUsage({ ...ports, clock: systemClock }, keys, patience, (done, of) =>
    progress.step('ledgers compared', done, of),
  );
  progress.end();
  if (found.failed.length > 0) throw new CommandError(`cannot read ${found.failed.map(ledgerText).join(', ')}`);
  const adjusted: UsageAdjustment[] = [];
  if (options.adjust) {
    const moving = [...found.busy, ...found.gaps.filter(({ isExact }) => !isExact)];
    if (moving.length > 0)
      throw new CommandError(
        `calls go on in ${moving.map(ledgerText).join(', ')}, so what lacks there is not known exactly and nothing was adjusted; try again when they rest, or pause them`,
      );
    for (const gap of found.gaps) adjusted.push(await adjust(options, stores, ports, gap, earlier));
  }
  const isWhole = found.busy.length === 0 && found.gaps.length === adjusted.length;
  const facts = { ...replayed, equal: found.equal, isWhole };
  if (options.json)
    console.log(
      JSON.stringify({ ...facts, gaps: found.gaps.map(jsonOf), adjusted: adjusted.map(jsonOf), busy: found.busy }),
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

async function ledgersOf(
  { team, period }: RebuildOptions,
  { dynamo, registryTable, environmentName }: Stores,
  { ledger }: Ports,
): Promise<readonly LedgerKey[]> {
  const published = await new Registry(dynamo, registryTable, Date.now).inForce();
  const nowEpochMs = period === undefined ? Date.now() : periodStartsAtEpochMs(period);
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
  const adjustment = adjustmentOf(gap, earlier.get(ledgerText(gap)) ?? 0, Date.now());
  const { team, period, sequence } = adjustment;
  await audit.append({
    atEpochMs: Date.now(),
    id: `usage-adjustment-${team}-${period}-${sequence}`,
    actor: await stores.readActor(),
    action: 'adjust usage',
    subject: team,
    details: `${ledgerText(gap)}, adjustment ${sequence}: $${usdText(gap.spentPicoUsd)} (assumed $${usdText(gap.assumedPicoUsd)}) put down as unattributed: ${reason}`,
    team,
    source: 'cli',
  });
  if (!(await usage.adjust(adjustment)))
    throw new CommandError(`somebody else has adjusted ${ledgerText(gap)} meanwhile; look again`);
  return adjustment;
}

function jsonOf({ spentPicoUsd, assumedPicoUsd, ...rest }: UsageGap | UsageAdjustment): object {
  return { ...rest, spent_usd: usdText(spentPicoUsd), assumed_usd: usdText(assumedPicoUsd) };
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
      `${isExact ? '' : 'at least '}$${usdText(spentPicoUsd)}`,
      `$${usdText(assumedPicoUsd)}`,
    ]);
    const what = isAdjusted
      ? 'What lacked is now in the usage, of the key "-" and the model "unattributed":'
      : 'What the usage lacks, and the stream does not tell any more (--adjust --reason TEXT writes it down as such):';
    lines.push(what, renderTable(['team', 'period', 'spent', 'assumed'], rows));
  }
  if (busy.length > 0) lines.push(`Not compared, since calls go on: ${busy.map(ledgerText).join(', ')}.`);
  return lines.join('\n');
}
