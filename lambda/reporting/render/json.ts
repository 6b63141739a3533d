import { toUsdString } from '../../kernel/money.ts';
import { formatUtc } from '../../kernel/period.ts';
import { renderCounts } from '../../usage/usage-report.ts';
import type { MonthBudget } from '../month-budget.ts';
import type { TopContributor, WeeklyReport } from '../weekly-report.ts';

/**
 * Renders weeks as JSON: `{object: 'weekly_report_list', data: […]}`, one report per week in order. Amounts are exact
 * decimal strings in dollars, days are in UTC, and unknown values are null. `rows` add up to `total`.
 */
export function renderJson(reports: readonly WeeklyReport[]): string {
  return `${JSON.stringify({ object: 'weekly_report_list', data: reports.map(describeWeek) }, null, 2)}\n`;
}

function describeWeek(report: WeeklyReport) {
  return {
    object: 'weekly_report',
    environment: report.environmentName,
    week: report.week,
    from: report.from,
    to: report.to,
    generated_at: formatUtc(report.generatedAtEpochMs),
    /** `final`, `provisional` or `unchecked`; see week-figures.ts. */
    figures: report.figures,
    gap_usd: toUsdString(report.gapPicoUsd),
    total: { ...renderCounts(report.total.counts), cost_before_usd: toUsdString(report.total.previousCostPicoUsd) },
    organization: describeMonth(report.organization),
    teams: report.teams.map(({ team, counts, previousCostPicoUsd, topModel, topKey, budget }) => ({
      team,
      ...renderCounts(counts),
      cost_before_usd: toUsdString(previousCostPicoUsd),
      top_model: describePart(topModel),
      top_key: describePart(topKey),
      budget: describeMonth(budget),
    })),
    days: report.days.map(({ day, counts }) => ({ day, ...renderCounts(counts) })),
    models: report.models.map(({ model, counts }) => ({ model, ...renderCounts(counts) })),
    rows: report.rows.map((row) => ({
      day: row.day,
      team: row.team,
      key_id: row.keyId,
      key_name: row.keyName,
      model: row.model,
      ...renderCounts(row),
    })),
  };
}

function describePart(part: TopContributor | undefined) {
  return part === undefined ? null : { id: part.id, name: part.name, cost_usd: toUsdString(part.costPicoUsd) };
}

function describeMonth(month: MonthBudget | undefined) {
  if (month === undefined) return null;
  return {
    period: month.period,
    limit_usd: toUsdString(month.limitPicoUsd),
    spent_usd: toUsdString(month.spentPicoUsd),
    held_usd: toUsdString(month.reservedPicoUsd),
    assumed_usd: toUsdString(month.assumedPicoUsd),
    overrun_usd: toUsdString(month.overrunPicoUsd),
    projected_usd: toUsdString(month.projectedPicoUsd),
  };
}
