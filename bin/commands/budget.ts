import { randomUUID } from 'node:crypto';
import { parseUsd, toUsdString } from '../../lambda/kernel/money.ts';
import { didYouMean } from '../../lambda/kernel/nearest-word.ts';
import { formatUtc } from '../../lambda/kernel/period.ts';
import { renderTextTable } from '../../lambda/kernel/text-table.ts';
import {
  type BudgetAction,
  type BudgetPorts,
  OperationError,
  pause,
  resume,
  topUp,
} from '../../lambda/ledger/budget-operations.ts';
import { DynamoBudgets } from '../../lambda/ledger/io/dynamo-budgets.ts';
import { isInForce } from '../../lambda/ledger/pause.ts';
import { readAllBudgets, readBudget } from '../../lambda/ledger/read-budgets.ts';
import { CANARY_TEAM } from '../../lambda/policy/canary-team.ts';
import { DynamoAuditLog } from '../../lambda/policy/io/dynamo-audit-log.ts';
import { Registry } from '../../lambda/policy/io/registry.ts';
import { CommandError } from '../deployment.ts';
import { type EnvironmentSelector, openStores, type Stores } from '../stores.ts';
import { parseUntil } from '../until.ts';

/** What a budget command is told. */
export type BudgetOptions = EnvironmentSelector & {
  readonly team: string | undefined;
  /** All teams together, instead of one. */
  readonly all: boolean;
  readonly usd: string | undefined;
  readonly until: string | undefined;
  readonly reason: string | undefined;
  readonly json: boolean;
};

/** `budget show`: what teams have spent, hold and have left, what was added for a while, and who is paused. */
export async function showBudgets(options: BudgetOptions): Promise<void> {
  const stores = await openStores(options);
  const ports = buildPorts(stores);
  const teams = [...(await ports.readTeams()).values()].filter(({ team }) => team !== CANARY_TEAM);
  const shown = teams.filter(({ team }) => options.team === undefined || team === options.team);
  if (shown.length === 0)
    throw new CommandError(
      `${stores.environmentName} has no team "${options.team}"${didYouMean(
        options.team ?? '',
        teams.map(({ team }) => team),
      )}`,
    );
  const { ledger, nowEpochMs } = ports;
  const report: Report =
    options.team === undefined
      ? await readAllBudgets(ledger, shown, nowEpochMs)
      : { teams: await Promise.all(shown.map((policy) => readBudget(ledger, policy, nowEpochMs))) };
  if (options.json) return console.log(JSON.stringify(report));
  console.log(renderReport(report));
}

/** `budget top-up`: adds to a team's budget, or to the cap of all teams, until a time within this month. */
export async function topUpBudget(options: BudgetOptions): Promise<void> {
  const usd = options.usd === undefined ? undefined : parseUsd(options.usd);
  if (usd === undefined)
    throw new CommandError(
      options.usd === undefined
        ? '--usd is missing; see groq-rbac --help'
        : `--usd is "${options.usd}"; it must be dollars such as 50 or 12.50`,
    );
  await runBudgetCommand(options, async (ports, act, until) => {
    const done = await topUp(ports, act, usd, until);
    const untilText = formatUtc(done.untilEpochMs);
    return {
      text: `${subjectText(act)} has $${toUsdString(usd)} more, $${toUsdString(done.limitPicoUsd)} in all, until ${untilText}.`,
      json: { topped_up_usd: toUsdString(usd), limit_usd: toUsdString(done.limitPicoUsd), until: untilText },
    };
  });
}

/** `budget pause`: stops a team, or all of them, from the next call on. */
export async function pauseBudget(options: BudgetOptions): Promise<void> {
  await runBudgetCommand(options, async (ports, act, until) => {
    await pause(ports, act, until);
    const untilText = until === undefined ? null : formatUtc(until);
    return {
      text: `${subjectText(act)} is paused${untilText === null ? ' until resumed' : ` until ${untilText}`}. Calls in flight end as they would.`,
      json: { paused: true, until: untilText },
    };
  });
}

/** `budget resume`: lets a team, or all of them, go on. */
export async function resumeBudget(options: BudgetOptions): Promise<void> {
  await runBudgetCommand(options, async (ports, act) => {
    await resume(ports, act);
    const { ledger } = ports;
    const all = act.team === undefined ? undefined : (await ledger.readPauses(act.team)).organization;
    const isPaused = isInForce(all, Date.now());
    const still = isPaused ? ' All teams are paused, though, and so is it: budget resume --all.' : '';
    return { text: `${subjectText(act)} is resumed.${still}`, json: { paused: isPaused, until: null } };
  });
}

type Done = { readonly text: string; readonly json: object };

async function runBudgetCommand(
  options: BudgetOptions,
  act: (ports: BudgetPorts, act: BudgetAction, untilEpochMs: number | undefined) => Promise<Done>,
): Promise<void> {
  if ((options.team === undefined) !== options.all)
    throw new CommandError('name one team by --team, or all of them together by --all');
  if (options.reason === undefined || options.reason === '')
    throw new CommandError('--reason is missing: it stands in the audit trail');
  const until = options.until === undefined ? undefined : parseUntil(options.until, Date.now());
  const stores = await openStores(options);
  const actor = await stores.readActor();
  const asked = { team: options.team, actor, reason: options.reason, id: randomUUID() };
  try {
    const { text, json } = await act(buildPorts(stores), asked, until);
    console.log(options.json ? JSON.stringify({ team: options.team ?? null, ...json }) : text);
  } catch (error) {
    if (error instanceof OperationError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}

function buildPorts({ dynamo, ledgerTable, registryTable }: Stores): BudgetPorts {
  return {
    ledger: new DynamoBudgets(dynamo, ledgerTable, Date.now),
    audit: new DynamoAuditLog(dynamo, registryTable),
    readTeams: async () =>
      (await new Registry(dynamo, registryTable, Date.now).readCurrent())?.environment.teams ?? new Map(),
    nowEpochMs: Date.now(),
  };
}

type TeamReport = Awaited<ReturnType<typeof readBudget>>;
type AllReport = Awaited<ReturnType<typeof readAllBudgets>>;
type Report = Pick<AllReport, 'teams'> & Partial<AllReport>;

function renderReport({ teams, organization }: Report): string {
  const rows = teams.map((team) => [team.team, ...amounts(team), team.assumed_usd, renderNote(team)]);
  const all = organization === undefined ? [] : [['all teams', ...amounts(organization), '', renderNote(organization)]];
  const period = teams[0] === undefined ? '' : `${teams[0].period}, resets at ${teams[0].resets_at}; dollars`;
  const header = ['team', 'limit', 'spent', 'held', 'available', 'assumed', ''];
  return `${period}\n\n${renderTextTable(header, [...rows, ...all], [1, 2, 3, 4, 5])}`;
}

type Amounts = { limit_usd: string; spent_usd: string; held_usd: string; available_usd: string };

function amounts({ limit_usd, spent_usd, held_usd, available_usd }: Amounts): readonly string[] {
  return [limit_usd, spent_usd, held_usd, available_usd];
}

function renderNote({ top_ups, ...rest }: Pick<TeamReport, 'top_ups'> & Partial<TeamReport>): string {
  const { paused, overrun_usd } = rest;
  const notes = [
    ...(paused === null || paused === undefined
      ? []
      : [
          `PAUSED${paused.scope === 'organization' ? ' with all' : ''}${paused.until === null ? '' : ` until ${paused.until}`}: ${paused.reason}`,
        ]),
    ...top_ups.map(({ usd, until }) => `$${usd} more until ${until}`),
    ...(overrun_usd === undefined || overrun_usd === '0' ? [] : [`overrun $${overrun_usd}`]),
  ];
  return notes.join('; ');
}

function subjectText({ team }: BudgetAction): string {
  return team === undefined ? 'The organisation' : `Team "${team}"`;
}
