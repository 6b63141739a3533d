import { renderTextTable } from '../../lambda/kernel/text-table.ts';
import type { readAllBudgets, readBudget } from '../../lambda/ledger/read-budgets.ts';

type TeamBudget = Awaited<ReturnType<typeof readBudget>>;
type AllBudgets = Awaited<ReturnType<typeof readAllBudgets>>;

/** The budgets of some teams, with the organisation's cap when all teams are shown. */
export type BudgetReport = Pick<AllBudgets, 'teams'> & Partial<AllBudgets>;

/** Renders budgets as a table for a terminal. */
export function renderBudgets({ teams, organization }: BudgetReport): string {
  const rows = teams.map((team) => [team.team, ...amounts(team), team.assumed_usd, renderNote(team)]);
  const total =
    organization === undefined ? [] : [['all teams', ...amounts(organization), '', renderNote(organization)]];
  const heading = teams[0] === undefined ? '' : `${teams[0].period}, resets at ${teams[0].resets_at}; dollars`;
  const header = ['team', 'limit', 'spent', 'held', 'available', 'assumed', ''];
  return `${heading}\n\n${renderTextTable(header, [...rows, ...total], [1, 2, 3, 4, 5])}`;
}

type Amounts = { limit_usd: string; spent_usd: string; held_usd: string; available_usd: string };

function amounts({ limit_usd, spent_usd, held_usd, available_usd }: Amounts): readonly string[] {
  return [limit_usd, spent_usd, held_usd, available_usd];
}

function renderNote({ top_ups, paused, overrun_usd }: Pick<TeamBudget, 'top_ups'> & Partial<TeamBudget>): string {
  const notes = top_ups.map(({ usd, until }) => `$${usd} more until ${until}`);
  if (paused != null) {
    const scope = paused.scope === 'organization' ? ' with all teams' : '';
    const until = paused.until === null ? '' : ` until ${paused.until}`;
    notes.unshift(`PAUSED${scope}${until}: ${paused.reason}`);
  }
  if (overrun_usd !== undefined && overrun_usd !== '0') notes.push(`overrun $${overrun_usd}`);
  return notes.join('; ');
}
