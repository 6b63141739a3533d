import type { AuditLog } from '../kernel/audit-log.ts';
import { redactKeys } from '../kernel/key-redaction.ts';
import { addUsd, type PicoUsd, toUsdString } from '../kernel/money.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { formatUtc, type Period, periodAt, periodEndEpochMs } from '../kernel/period.ts';
import { CANARY_TEAM } from '../policy/canary-team.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { openLedger } from './ledger.ts';
import { type OrganizationLedger, openOrganizationLedger } from './organization-ledger.ts';
import type { Pause, Pauses } from './pause.ts';
import type { LedgerKey } from './ports.ts';
import type { LedgerState } from './reservation.ts';
import { expireTopUps, MAX_TOP_UPS, type TopUp } from './top-ups.ts';

/** What operations need of the ledgers; each method is idempotent. Each throws a StoreError when the store cannot answer. */
export interface BudgetLedger {
  read(key: LedgerKey): Promise<LedgerState | undefined>;
  readOrganization(period: Period): Promise<OrganizationLedger | undefined>;
  /** What stands for a team, whether or not it has called in this period. */
  readPauses(team: string): Promise<Pauses>;
  /** Adds to a team's budget, unless it has too many; a period without a call yet is opened with its limit first. */
  topUp(key: LedgerKey, limitPicoUsd: PicoUsd, topUp: TopUp): Promise<void>;
  /** The same for the cap of all teams together. */
  topUpCap(period: Period, cap: PicoUsd, topUp: TopUp): Promise<void>;
  /** Stops a team from now on, in this period and those to come; undefined lets it go on. */
  setPause(team: string, pause: Pause | undefined): Promise<void>;
  /** The same for all teams; they are named once the stop stands, so that no new one is missed. */
  setPauseForAll(pause: Pause | undefined, listTeams: () => Promise<ReadonlySet<string>>): Promise<void>;
}

/** What operations need of the world. */
export type BudgetPorts = {
  readonly ledger: BudgetLedger;
  readonly audit: AuditLog;
  /** The teams in force, as they stand now. */
  readonly readTeams: () => Promise<ReadonlyMap<string, TeamPolicy>>;
  readonly nowEpochMs: number;
};

/** An act of a person. */
export type BudgetAction = {
  /** Undefined: all teams together. */
  readonly team: string | undefined;
  readonly actor: string;
  readonly reason: string;
  /** Fresh; the same act told twice is one. */
  readonly id: string;
};

/** An operation that cannot be; nothing was changed. The message is for whoever asked. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
}

/** The longest reason, in characters: a caller is told it, and it rides on every write. */
const MAX_REASON_LENGTH = 200;

/**
 * Adds to a team's budget, or to the cap of all teams, until a time within this period, at the latest its end.
 *
 * @throws OperationError
 */
export async function topUp(
  ports: BudgetPorts,
  act: BudgetAction,
  amountPicoUsd: PicoUsd,
  untilEpochMs: number | undefined,
): Promise<{ readonly limitPicoUsd: PicoUsd; readonly untilEpochMs: number }> {
  const { ledger, nowEpochMs } = ports;
  checkReason(act.reason);
  if (amountPicoUsd <= 0n) throw new OperationError('a top-up must be more than $0; a budget is lowered by its policy');
  const endEpochMs = periodEndEpochMs(nowEpochMs);
  const until = untilEpochMs ?? endEpochMs;
  if (until <= nowEpochMs) throw new OperationError(`${formatUtc(until)} is over; it is ${formatUtc(nowEpochMs)}`);
  if (until > endEpochMs)
    throw new OperationError(
      `a top-up lasts to the end of its month (${formatUtc(endEpochMs)}) at most; change the policy for longer, or top up again then`,
    );
  const { team } = act;
  const period = periodAt(nowEpochMs);
  const teams = await ports.readTeams();
  const policy = requirePolicy(teams, team);
  // What is over counts no more, though nobody may have taken it off yet.
  const readNow = async () =>
    team === undefined
      ? expireTopUps(
          (await ledger.readOrganization(period)) ?? openOrganizationLedger(policy.organizationCapPicoUsd),
          nowEpochMs,
        )
      : expireTopUps((await ledger.read({ team, period })) ?? openLedger(policy.monthlyBudgetPicoUsd), nowEpochMs);
  const before = await readNow();
  const tooMany = `${MAX_TOP_UPS} top-ups are in force already; change the policy instead`;
  if (before.topUps.size >= MAX_TOP_UPS) throw new OperationError(tooMany);
  const limitPicoUsd = addUsd(before.limitPicoUsd, amountPicoUsd);
  const details = `$${toUsdString(before.limitPicoUsd)} → $${toUsdString(limitPicoUsd)} until ${formatUtc(until)}: ${act.reason}`;
  await record(ports, act, 'top_up_budget', details);
  const added = { id: act.id, amountPicoUsd, untilEpochMs: until };
  if (team === undefined) await ledger.topUpCap(period, policy.organizationCapPicoUsd, added);
  else await ledger.topUp({ team, period }, policy.monthlyBudgetPicoUsd, added);
  const after = await readNow();
  if (!after.topUps.has(act.id)) {
    // Others, at the same time, were quicker; what is on record already must not stand there as done.
    await record(ports, { ...act, id: `${act.id}-undone` }, 'top_up_budget', `not done: ${tooMany}`);
    throw new OperationError(tooMany);
  }
  return { limitPicoUsd: after.limitPicoUsd, untilEpochMs: until };
}

/**
 * Stops a team, or all of them, from the next call on. Calls in flight end as they would.
 *
 * @throws OperationError
 */
export async function pause(ports: BudgetPorts, act: BudgetAction, untilEpochMs: number | undefined): Promise<void> {
  checkReason(act.reason);
  if (untilEpochMs !== undefined && untilEpochMs <= ports.nowEpochMs)
    throw new OperationError(`${formatUtc(untilEpochMs)} is over; it is ${formatUtc(ports.nowEpochMs)}`);
  const until = untilEpochMs === undefined ? '' : ` until ${formatUtc(untilEpochMs)}`;
  // Whoever calls is told it.
  const reason = redactKeys(act.reason);
  await setPause(ports, act, { reason, untilEpochMs }, 'pause', `paused${until}: ${reason}`);
}

/**
 * Lets a team go on, or all of them. A team's own pause outlasts the one of all teams, and the other way round.
 *
 * @throws OperationError
 */
export async function resume(ports: BudgetPorts, act: BudgetAction): Promise<void> {
  checkReason(act.reason);
  await setPause(ports, act, undefined, 'resume', `resumed: ${act.reason}`);
}

async function setPause(
  ports: BudgetPorts,
  act: BudgetAction,
  value: Pause | undefined,
  action: string,
  details: string,
): Promise<void> {
  const { ledger, readTeams, nowEpochMs } = ports;
  requirePolicy(await readTeams(), act.team);
  await record(ports, act, action, details);
  if (act.team !== undefined) return await ledger.setPause(act.team, value);
  await ledger.setPauseForAll(value, async () => {
    // Also those that have gone from the policies and still hold money: nothing may escape.
    const holders = (await ledger.readOrganization(periodAt(nowEpochMs)))?.holders ?? [];
    return new Set([...(await readTeams()).keys(), ...holders].filter((team) => team !== CANARY_TEAM));
  });
}

/** The team's policy, or any for the organisation, since each knows the cap. */
function requirePolicy(teams: ReadonlyMap<string, TeamPolicy>, team: string | undefined): TeamPolicy {
  // The team of the deployments' check has nothing and is never stopped but by that.
  const policy = team === undefined ? [...teams.values()][0] : team === CANARY_TEAM ? undefined : teams.get(team);
  if (policy !== undefined) return policy;
  throw new OperationError(
    team === undefined
      ? 'no policies are in force; deploy first'
      : `there is no team "${team}"${didYouMean(team, teams.keys())}`,
  );
}

/** What a terminal obeys, or what forges lines and their order, where a reason is shown. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

function checkReason(reason: string): void {
  if (CONTROL.test(reason)) throw new OperationError('a reason is one line of text: it has a control character');
  const length = [...reason].length;
  if (reason.trim() === '' || length > MAX_REASON_LENGTH)
    throw new OperationError(
      `a reason is needed, of at most ${MAX_REASON_LENGTH} characters: it stands in the audit trail`,
    );
}

/** Before the act: what cannot be recorded is not done. */
async function record(
  { audit, nowEpochMs }: BudgetPorts,
  act: BudgetAction,
  action: string,
  details: string,
): Promise<void> {
  const subject = act.team === undefined ? 'organization' : `team ${act.team}`;
  await audit.append({ atEpochMs: nowEpochMs, id: act.id, actor: act.actor, action, subject, details });
}
