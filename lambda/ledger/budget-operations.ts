import { redactKeys } from '../kernel/key-redaction.ts';
import { addUsd, type PicoUsd, toUsdString } from '../kernel/money.ts';
import { formatUtc, periodAt, periodEndEpochMs } from '../kernel/period.ts';
import { CANARY_TEAM } from '../policy/canary-team.ts';
import {
  type BudgetAction,
  type BudgetPorts,
  checkReason,
  OperationError,
  recordAction,
  requirePolicy,
} from './budget-action.ts';
import { openLedger } from './ledger.ts';
import { openOrganizationLedger } from './organization-ledger.ts';
import type { Pause } from './pause.ts';
import { expireTopUps, MAX_TOP_UPS } from './top-ups.ts';

/**
 * Tops up a team's budget, or the organisation's cap, until a time within this period; undefined: its end.
 *
 * @throws OperationError
 */
export async function topUp(
  ports: BudgetPorts,
  action: BudgetAction,
  amountPicoUsd: PicoUsd,
  untilEpochMs: number | undefined,
): Promise<{ readonly limitPicoUsd: PicoUsd; readonly untilEpochMs: number }> {
  const { ledger, nowEpochMs } = ports;
  checkReason(action.reason);
  if (amountPicoUsd <= 0n) throw new OperationError('a top-up must be more than $0; a budget is lowered by its policy');
  const until = checkEnd(untilEpochMs, nowEpochMs);
  const { team } = action;
  const period = periodAt(nowEpochMs);
  const policy = requirePolicy(await ports.readTeams(), team);
  // Ignores ended top-ups, which may not have been removed yet.
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
  const details = `$${toUsdString(before.limitPicoUsd)} → $${toUsdString(limitPicoUsd)} until ${formatUtc(until)}: ${action.reason}`;
  await recordAction(ports, action, 'top_up_budget', details);
  const added = { id: action.id, amountPicoUsd, untilEpochMs: until };
  if (team === undefined) await ledger.topUpCap(period, policy.organizationCapPicoUsd, added);
  else await ledger.topUp({ team, period }, policy.monthlyBudgetPicoUsd, added);
  const after = await readNow();
  if (!after.topUps.has(action.id)) {
    // Lost a race against other top-ups: the entry in the audit trail needs a correction.
    await recordAction(ports, { ...action, id: `${action.id}-undone` }, 'top_up_budget', `not done: ${tooMany}`);
    throw new OperationError(tooMany);
  }
  return { limitPicoUsd: after.limitPicoUsd, untilEpochMs: until };
}

/**
 * Checks that a top-up ends in the future and within this period; without a time, it ends with the period.
 *
 * @throws OperationError
 */
function checkEnd(untilEpochMs: number | undefined, nowEpochMs: number): number {
  const endEpochMs = periodEndEpochMs(nowEpochMs);
  const until = untilEpochMs ?? endEpochMs;
  if (until <= nowEpochMs) throw new OperationError(`${formatUtc(until)} is over; it is ${formatUtc(nowEpochMs)}`);
  if (until > endEpochMs)
    throw new OperationError(
      `a top-up lasts to the end of its month (${formatUtc(endEpochMs)}) at most; change the policy for longer, or top up again then`,
    );
  return until;
}

/**
 * Pauses a team, or all teams, from the next call on. Calls in flight are not affected.
 *
 * @throws OperationError
 */
export async function pause(ports: BudgetPorts, action: BudgetAction, untilEpochMs: number | undefined): Promise<void> {
  checkReason(action.reason);
  if (untilEpochMs !== undefined && untilEpochMs <= ports.nowEpochMs)
    throw new OperationError(`${formatUtc(untilEpochMs)} is over; it is ${formatUtc(ports.nowEpochMs)}`);
  const until = untilEpochMs === undefined ? '' : ` until ${formatUtc(untilEpochMs)}`;
  // Callers see the reason.
  const reason = redactKeys(action.reason);
  await setPause(ports, action, { reason, untilEpochMs }, 'pause', `paused${until}: ${reason}`);
}

/**
 * Resumes a team, or all teams. The pause of one team and the pause of all teams do not lift each other.
 *
 * @throws OperationError
 */
export async function resume(ports: BudgetPorts, action: BudgetAction): Promise<void> {
  checkReason(action.reason);
  await setPause(ports, action, undefined, 'resume', `resumed: ${action.reason}`);
}

async function setPause(
  ports: BudgetPorts,
  action: BudgetAction,
  value: Pause | undefined,
  name: string,
  details: string,
): Promise<void> {
  const { ledger, readTeams, nowEpochMs } = ports;
  requirePolicy(await readTeams(), action.team);
  await recordAction(ports, action, name, details);
  if (action.team !== undefined) return await ledger.setPause(action.team, value);
  await ledger.setPauseForAll(value, async () => {
    // Includes teams that have no policy any more but hold money, so that no call escapes.
    const holders = (await ledger.readOrganization(periodAt(nowEpochMs)))?.holders ?? [];
    return new Set([...(await readTeams()).keys(), ...holders].filter((team) => team !== CANARY_TEAM));
  });
}
