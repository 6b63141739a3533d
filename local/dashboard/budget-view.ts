import { type PicoUsd, parseUsd, ZERO_USD } from '../../lambda/kernel/money.ts';
import type { Budget, BudgetAnswer, OrganizationBudget } from './api-types.ts';
import { decimalsFor, formatMoment, formatShare, money } from './format.ts';

/** Budget thresholds for alerts, as percentages. */
export const THRESHOLDS = [95, 80, 50] as const;

/** Status of a budget: its label and severity. */
export type BudgetState = {
  readonly label: string;
  readonly severity: 'none' | 'notice' | 'warning' | 'critical';
};

/** A budget as the page shows it. */
export type BudgetView = {
  readonly name: string;
  readonly isOrganization: boolean;
  readonly state: BudgetState;
  /** Shares of the limit, from 0 to 1. */
  readonly spentShare: number;
  readonly reservedShare: number;
  readonly spentUsd: string;
  readonly limitUsd: string;
  readonly availableUsd: string;
  readonly reservedUsd: string;
  readonly resetsAt: string;
  /** Further information, such as a pause or a top-up. */
  readonly remarks: readonly string[];
};

/** Budgets in display order: the organisation's, then teams by name. */
export function budgetViews(answer: BudgetAnswer): readonly BudgetView[] {
  if (answer.object !== 'list') return [toBudgetView(answer as Budget)];
  const { organization, data } = answer as Exclude<BudgetAnswer, Budget>;
  return [toBudgetView(organization), ...data.map(toBudgetView).sort((a, b) => (a.name < b.name ? -1 : 1))];
}

/** The budgets that need attention, most severe first. */
export function budgetsNeedingAttention(views: readonly BudgetView[]): readonly BudgetView[] {
  const bySeverity = ['critical', 'warning', 'notice'];
  return views
    .filter(({ state }) => state.severity !== 'none')
    .sort(
      (a, b) =>
        bySeverity.indexOf(a.state.severity) - bySeverity.indexOf(b.state.severity) || b.spentShare - a.spentShare,
    );
}

/** A budget's alert as a sentence. */
export function alertText(view: BudgetView): string {
  const { name, spentUsd, limitUsd, availableUsd, resetsAt, spentShare, remarks } = view;
  const decimals = decimalsFor(Number(limitUsd));
  const left = Number(availableUsd) > 0 ? `${money(availableUsd, decimals)} left` : 'Nothing left';
  const spent = `${money(spentUsd, decimals)} of ${money(limitUsd)}`;
  const used = `${formatShare(spentShare)} used, ${spent}. ${left} until ${formatMoment(resetsAt)} UTC.`;
  return [`${name}:`, ...remarks, Number(limitUsd) > 0 ? used : ''].filter((part) => part !== '').join(' ');
}

function toBudgetView(budget: Budget | OrganizationBudget): BudgetView {
  const limit = amount(budget.limit_usd);
  const spent = amount(budget.spent_usd);
  const pause = 'paused' in budget ? budget.paused : null;
  const toShare = (part: PicoUsd) => (limit === 0n ? 0 : Math.min(1, Number(part) / Number(limit)));
  const spentShare = toShare(spent);
  return {
    name: 'team' in budget ? budget.team : 'Organisation',
    isOrganization: !('team' in budget),
    state: pause === null ? toBudgetState(spent, limit) : { label: 'Paused', severity: 'critical' },
    spentShare,
    reservedShare: Math.min(1 - spentShare, toShare(amount(budget.held_usd))),
    spentUsd: budget.spent_usd,
    limitUsd: budget.limit_usd,
    availableUsd: budget.available_usd,
    reservedUsd: budget.held_usd,
    resetsAt: budget.resets_at,
    remarks: [
      ...(pause === null ? [] : [pauseText(pause)]),
      ...budget.top_ups.map(
        ({ usd, until }) => `${money(usd)} of the limit is a top-up until ${formatMoment(until)} UTC.`,
      ),
    ],
  };
}

/** Compares in whole pico-dollars, so that the page and the gateway agree on crossed thresholds. */
function toBudgetState(spent: PicoUsd, limit: PicoUsd): BudgetState {
  if (limit === 0n) return { label: 'No budget', severity: 'none' };
  if (spent >= limit) return { label: 'Used up', severity: 'critical' };
  const reached = THRESHOLDS.find((threshold) => spent * 100n >= limit * BigInt(threshold));
  if (reached === undefined) return { label: 'Within budget', severity: 'none' };
  return { label: `Past ${reached}%`, severity: reached === 95 ? 'critical' : reached === 80 ? 'warning' : 'notice' };
}

function pauseText({ scope, reason, until }: NonNullable<Budget['paused']>): string {
  const subject = scope === 'organization' ? 'All teams are paused' : 'Calls are paused';
  return `${subject}${until === null ? '' : ` until ${formatMoment(until)} UTC`}${reason ? `: ${reason}` : ''}.`;
}

/** Parses an amount; a negative one becomes zero. */
function amount(text: string): PicoUsd {
  return parseUsd(text) ?? ZERO_USD;
}
