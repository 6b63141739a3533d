import { ZERO_USD } from '../kernel/money.ts';
import { periodAt } from '../kernel/period.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { reportBudget, reportOrganizationBudget } from './budget-report.ts';
import { openLedger } from './ledger.ts';
import type { Ledger } from './ports.ts';
import type { LedgerState } from './reservation.ts';

type BudgetReader = Pick<Ledger, 'read' | 'readPauses' | 'readOrganization'>;

/** Reads a team's budget, for `GET /openai/v1/budget`. */
export async function readBudget(ledger: BudgetReader, policy: TeamPolicy, nowEpochMs: number) {
  return reportBudget(policy, await readState(ledger, policy, nowEpochMs), nowEpochMs);
}

/** Reads the budgets of all teams, and the organisation's cap. */
export async function readAllBudgets(ledger: BudgetReader, policies: readonly TeamPolicy[], nowEpochMs: number) {
  const states = await Promise.all(policies.map((policy) => readState(ledger, policy, nowEpochMs)));
  const cap = policies[0]?.organizationCapPicoUsd ?? ZERO_USD;
  const organization = await ledger.readOrganization(periodAt(nowEpochMs));
  return {
    teams: policies.map((policy, index) => reportBudget(policy, states[index], nowEpochMs)),
    organization: reportOrganizationBudget(cap, organization, states, nowEpochMs),
  };
}

async function readState(
  ledger: BudgetReader,
  { team, monthlyBudgetPicoUsd }: TeamPolicy,
  nowEpochMs: number,
): Promise<LedgerState> {
  const state = await ledger.read({ team, period: periodAt(nowEpochMs) });
  // A month without a call has no ledger yet, but a pause applies to it.
  return state ?? openLedger(monthlyBudgetPicoUsd, await ledger.readPauses(team));
}
