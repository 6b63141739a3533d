import { randomUUID } from 'node:crypto';
import { type PicoUsd, toUsdString } from '../../lambda/kernel/money.ts';
import { didYouMean } from '../../lambda/kernel/nearest-word.ts';
import { formatUtc } from '../../lambda/kernel/period.ts';
import { type BudgetAction, type BudgetPorts, OperationError } from '../../lambda/ledger/budget-action.ts';
import { pause, resume, topUp } from '../../lambda/ledger/budget-operations.ts';
import { DynamoBudgets } from '../../lambda/ledger/io/dynamo-budgets.ts';
import { isInForce } from '../../lambda/ledger/pause.ts';
import { readAllBudgets, readBudget } from '../../lambda/ledger/read-budgets.ts';
import { CANARY_TEAM } from '../../lambda/policy/canary-team.ts';
import { DynamoAuditLog } from '../../lambda/policy/io/dynamo-audit-log.ts';
import { Registry } from '../../lambda/policy/io/registry.ts';
import { CommandError } from '../command-error.ts';
import { type EnvironmentSelector, openStores, type Stores } from '../stores.ts';
import { type BudgetReport, renderBudgets } from './budget-table.ts';

/** Options of `budget show`. */
export type ShowBudgetOptions = EnvironmentSelector & { readonly team: string | undefined; readonly json: boolean };

/** Options of a command that changes one team's budget, or the organisation's with `all`. */
export type BudgetChangeOptions = ShowBudgetOptions & { readonly all: boolean; readonly reason: string };

/** Options of `budget pause`; `until` is in epoch milliseconds. */
export type PauseOptions = BudgetChangeOptions & { readonly until: number | undefined };

/** Options of `budget top-up`; `usd` is parsed from dollars. */
export type TopUpOptions = PauseOptions & { readonly usd: PicoUsd };

/** `budget show`: prints what teams have spent, reserved and left, their top-ups and their pauses. */
export async function showBudgets(options: ShowBudgetOptions): Promise<void> {
  const stores = await openStores(options);
  const { ledger, nowEpochMs, readTeams } = buildPorts(stores);
  const teams = [...(await readTeams()).values()].filter(({ team }) => team !== CANARY_TEAM);
  const shown = teams.filter(({ team }) => options.team === undefined || team === options.team);
  if (shown.length === 0) {
    const names = teams.map(({ team }) => team);
    const hint = didYouMean(options.team ?? '', names);
    throw new CommandError(`${stores.environmentName} has no team "${options.team}"${hint}`);
  }
  const report: BudgetReport =
    options.team === undefined
      ? await readAllBudgets(ledger, shown, nowEpochMs)
      : { teams: await Promise.all(shown.map((policy) => readBudget(ledger, policy, nowEpochMs))) };
  console.log(options.json ? JSON.stringify(report) : renderBudgets(report));
}

/** `budget top-up`: raises a team's budget, or the cap of all teams, until a time within this month. */
export async function topUpBudget(options: TopUpOptions): Promise<void> {
  await changeBudget(options, async (ports, action) => {
    const { limitPicoUsd, untilEpochMs } = await topUp(ports, action, options.usd, options.until);
    const [added, limit, until] = [toUsdString(options.usd), toUsdString(limitPicoUsd), formatUtc(untilEpochMs)];
    return {
      text: `Added $${added} to ${subjectName(action)} until ${until}; the limit is $${limit}.`,
      json: { topped_up_usd: added, limit_usd: limit, until },
    };
  });
}

/** `budget pause`: refuses new calls of a team, or of all teams. */
export async function pauseBudget(options: PauseOptions): Promise<void> {
  await changeBudget(options, async (ports, action) => {
    await pause(ports, action, options.until);
    const until = options.until === undefined ? null : formatUtc(options.until);
    return {
      text: `Paused ${subjectName(action)} until ${until ?? 'resumed'}. Calls in flight finish normally.`,
      json: { paused: true, until },
    };
  });
}

/** `budget resume`: accepts calls of a team, or of all teams, again. */
export async function resumeBudget(options: BudgetChangeOptions): Promise<void> {
  await changeBudget(options, async (ports, action) => {
    await resume(ports, action);
    const ofAll = action.team === undefined ? undefined : (await ports.ledger.readPauses(action.team)).organization;
    const isPaused = isInForce(ofAll, Date.now());
    const warning = isPaused ? ' It is still paused with all teams: budget resume --all ends that.' : '';
    return { text: `Resumed ${subjectName(action)}.${warning}`, json: { paused: isPaused, until: null } };
  });
}

type ChangeOutput = { readonly text: string; readonly json: object };

async function changeBudget(
  options: BudgetChangeOptions,
  change: (ports: BudgetPorts, action: BudgetAction) => Promise<ChangeOutput>,
): Promise<void> {
  if ((options.team === undefined) !== options.all)
    throw new CommandError('specify either --team <team>, or --all for all teams together');
  const stores = await openStores(options);
  const actor = await stores.readActor();
  const action = { team: options.team, actor, reason: options.reason, id: randomUUID() };
  try {
    const { text, json } = await change(buildPorts(stores), action);
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

function subjectName({ team }: BudgetAction): string {
  return team === undefined ? 'all teams' : `team "${team}"`;
}
