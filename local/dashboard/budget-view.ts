import { type PicoUsd, parseUsd, ZERO_USD } from '../../lambda/kernel/money.ts';
import type { Budget, BudgetAnswer, OrganizationBudget } from './api-types.ts';
import { decimalsFor, formatMoment, formatShare, money } from './format.ts';

/** Budget thresholds for alerts, as percentages. */
export const THRESHOLDS = [95, 80, 50] as const;

/** How a budget stands: the words that people read, and how grave it is. */
export type BudgetState = {
  readonly label: string;
  readonly gravity: 'none' | 'notice' | 'warning' | 'critical';
};

/** One budget, as it is shown. */
export type BudgetView = {
  readonly name: string;
  readonly isOrganization: boolean;
  readonly state: BudgetState;
  /** Of the limit, from 0 to 1. */
  readonly spentShare: number;
  readonly reservedShare: number;
  readonly spentUsd: string;
  readonly limitUsd: string;
  readonly availableUsd: string;
  readonly reservedUsd: string;
  readonly resetsAt: string;
  /** What else must be known of it: a pause, a top-up. */
  readonly remarks: readonly string[];
};

/** Budgets in the order in which they are shown: the organisation's, then teams by name. */
export function budgetViews(answer: BudgetAnswer): readonly BudgetView[] {
  if (answer.object !== 'list') return [toBudgetView(answer as Budget)];
  const { organization, data } = answer as Exclude<BudgetAnswer, Budget>;
  return [toBudgetView(organization), ...data.map(toBudgetView).sort((a, b) => (a.name < b.name ? -1 : 1))];
}

/** The budgets that people must hear of, the gravest first. */
export function budgetsNeedingAttention(views: readonly BudgetView[]): readonly BudgetView[] {
  const grave = ['critical', 'warning', 'notice'];
  return views
    .filter(({ state }) => state.gravity !== 'none')
    .sort((a, b) => grave.indexOf(a.state.gravity) - grave.indexOf(b.state.gravity) || b.spentShare - a.spentShare);
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
    state: pause === null ? toBudgetState(spent, limit) : { label: 'Paused', gravity: 'critical' },
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

/** Compared in whole pico-dollars, so that a threshold is met exactly where the gateway meets it. */
function toBudgetState(spent: PicoUsd, limit: PicoUsd): BudgetState {
  if (limit === 0n) return { label: 'No budget', gravity: 'none' };
  if (spent >= limit) return { label: 'Used up', gravity: 'critical' };
  const met = THRESHOLDS.find((threshold) => spent * 100n >= limit * BigInt(threshold));
  if (met === undefined) return { label: 'Within budget', gravity: 'none' };
  return { label: `Past ${met}%`, gravity: met === 95 ? 'critical' : met === 80 ? 'warning' : 'notice' };
}

function pauseText({ scope, reason, until }: NonNullable<Budget['paused']>): string {
  const who = scope === 'organization' ? 'All teams are paused' : 'Calls are paused';
  return `${who}${until === null ? '' : ` until ${formatMoment(until)} UTC`}${reason ? `: ${reason}` : ''}.`;
}

/** What is overdrawn is shown as nothing. */
function amount(text: string): PicoUsd {
  return parseUsd(text) ?? ZERO_USD;
}
