import type { AuditLog } from '../kernel/audit-log.ts';
import type { PicoUsd } from '../kernel/money.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import type { Period } from '../kernel/period.ts';
import { CANARY_TEAM } from '../policy/canary-team.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { OrganizationLedger } from './organization-ledger.ts';
import type { Pause, Pauses } from './pause.ts';
import type { LedgerKey } from './ports.ts';
import type { LedgerState } from './reservation.ts';
import type { TopUp } from './top-ups.ts';

/** The ledgers' methods that people's operations call. Each is idempotent, and throws a StoreError when the store fails. */
export interface BudgetLedger {
  read(key: LedgerKey): Promise<LedgerState | undefined>;
  readOrganization(period: Period): Promise<OrganizationLedger | undefined>;
  /** Reads a team's pauses, also in a period that is not open. */
  readPauses(team: string): Promise<Pauses>;
  /** Tops up a team's budget, unless it has too many top-ups; opens the period with `limitPicoUsd` first if needed. */
  topUp(key: LedgerKey, limitPicoUsd: PicoUsd, topUp: TopUp): Promise<void>;
  /** Tops up the organisation's cap in the same way. */
  topUpCap(period: Period, cap: PicoUsd, topUp: TopUp): Promise<void>;
  /** Pauses a team in this and later periods; undefined resumes it. */
  setPause(team: string, pause: Pause | undefined): Promise<void>;
  /** Pauses or resumes all teams. The teams are listed after the pause is stored, so that no new team is missed. */
  setPauseForAll(pause: Pause | undefined, listTeams: () => Promise<ReadonlySet<string>>): Promise<void>;
}

/** The dependencies of people's operations. */
export type BudgetPorts = {
  readonly ledger: BudgetLedger;
  readonly audit: AuditLog;
  /** Reads the teams in force, uncached. */
  readonly readTeams: () => Promise<ReadonlyMap<string, TeamPolicy>>;
  readonly nowEpochMs: number;
};

/** A person's operation. */
export type BudgetAction = {
  /** Undefined: all teams. */
  readonly team: string | undefined;
  readonly actor: string;
  readonly reason: string;
  /** Fresh for each operation; a retry has the same id. */
  readonly id: string;
};

/** An operation that was refused and changed nothing. The message is for the person. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
}

/** The maximum length of a reason, in characters: callers see it, and every write of the ledger pays for it. */
const MAX_REASON_LENGTH = 200;
/** Characters that control a terminal, or that forge lines or their order where a reason is shown. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/**
 * Checks the reason of an operation.
 *
 * @throws OperationError
 */
export function checkReason(reason: string): void {
  if (CONTROL.test(reason)) throw new OperationError('a reason is one line of text: it has a control character');
  const length = [...reason].length;
  if (reason.trim() === '' || length > MAX_REASON_LENGTH)
    throw new OperationError(
      `a reason is needed, of at most ${MAX_REASON_LENGTH} characters: it is kept in the audit trail`,
    );
}

/** Records an operation; called before the change, so that no change goes unrecorded. */
export async function recordAction(
  { audit, nowEpochMs }: BudgetPorts,
  { team, id, actor }: BudgetAction,
  action: string,
  details: string,
): Promise<void> {
  const subject = team === undefined ? 'organization' : `team ${team}`;
  await audit.append({ atEpochMs: nowEpochMs, id, actor, action, subject, details });
}

/**
 * Returns the team's policy, or for all teams any policy, since each contains the cap.
 *
 * @throws OperationError for an unknown team.
 */
export function requirePolicy(teams: ReadonlyMap<string, TeamPolicy>, team: string | undefined): TeamPolicy {
  // The canary is only for the check after a deployment, which its budget of $0 must stop.
  const policy = team === undefined ? [...teams.values()][0] : team === CANARY_TEAM ? undefined : teams.get(team);
  if (policy !== undefined) return policy;
  throw new OperationError(
    team === undefined
      ? 'no policies are in force; deploy first'
      : `there is no team "${team}"${didYouMean(team, teams.keys())}`,
  );
}
