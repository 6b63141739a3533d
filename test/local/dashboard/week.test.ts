import { describe, expect, it } from 'vitest';
import type { UsageRow } from '../../../local/dashboard/api-types.ts';
import { chooseGrid } from '../../../local/dashboard/grid-lines.ts';
import { countRefusals } from '../../../local/dashboard/refusals.ts';
import { comparedDays, describeChange, summarizeWeek } from '../../../local/dashboard/week.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const row = (day: string, team: string, cost_usd: string, more: Partial<UsageRow> = {}): UsageRow => ({
  day,
  team,
  cost_usd,
  requests: 1,
  prompt_tokens: 10,
  completion_tokens: 5,
  ...more,
});

describe('seven days', () => {
  it('are fetched together with the seven before', () => {
    expect(comparedDays(NOW)).toEqual({ from: '2026-11-12', to: '2026-11-25' });
  });

  it('add up exactly by day and by team, without the days before', () => {
    const rows = [
      row('2026-11-18', 'a', '5'),
      row('2026-11-19', 'a', '0.1'),
      row('2026-11-25', 'a', '0.2'),
      row('2026-11-25', 'b', '0.000000000001'),
    ];
    const week = summarizeWeek(rows, 'team', NOW);
    expect(week).toMatchObject({ totalUsd: '0.300000000001', previousUsd: '5' });
    expect(week.days).toEqual([19, 20, 21, 22, 23, 24, 25].map((date) => `2026-11-${date}`));
    expect(week.dayTotalsUsd).toEqual(['0.1', '0', '0', '0', '0', '0', '0.200000000001']);
    expect(week.series).toEqual([
      { name: 'a', costUsd: ['0.1', '0', '0', '0', '0', '0', '0.2'], totalUsd: '0.3', requests: 2, tokens: 30 },
      expect.objectContaining({ name: 'b', totalUsd: '0.000000000001' }),
    ]);
  });

  it('show the five series with the highest cost, and combine all others', () => {
    const rows = Array.from({ length: 9 }, (_, index) => row('2026-11-25', `team-${index}`, String(index + 1)));
    const { series, totalUsd } = summarizeWeek(rows, 'team', NOW);
    expect(series.map(({ name }) => name)).toEqual(['team-8', 'team-7', 'team-6', 'team-5', 'team-4', '4 others']);
    expect(series.at(-1)).toMatchObject({ totalUsd: '10', requests: 4 });
    expect(totalUsd).toBe('45');
  });

  it('omit a team with refusals only', () => {
    const refused = row('2026-11-25', 'b', '0', { requests: 0, refusals: { model_not_found: 3 } });
    const { series } = summarizeWeek([row('2026-11-25', 'a', '0', { requests: 1 }), refused], 'team', NOW);
    expect(series.map(({ name }) => name)).toEqual(['a']);
  });

  it.each([
    ['3', '2', '+50% compared with the seven days before'],
    ['1', '2', '−50% compared with the seven days before'],
    ['2', '2', 'same as the seven days before'],
    ['2', '0', 'nothing in the seven days before'],
    ['40', '2', '20 times the seven days before'],
  ])('of %s dollars after %s are described as %s', (now, before, text) => {
    const rows = [row('2026-11-13', 'a', before), row('2026-11-25', 'a', now)];
    expect(describeChange(summarizeWeek(rows, 'team', NOW))).toBe(text);
  });
});

describe('a chart’s grid lines', () => {
  it.each([
    [1.36, [0, 0.5, 1, 1.5], 2],
    [0.62, [0, 0.2, 0.4, 0.6, 0.8], 2],
    [0.000_09, [0, 0.000_025, 0.000_05, 0.000_075, 0.0001], 6],
    [370, [0, 100, 200, 300, 400], 0],
    [4, [0, 1, 2, 3, 4], 0],
    [0, [0, 1], 0],
  ])('for a maximum of %d dollars', (largest, lines, decimals) => {
    const grid = chooseGrid(largest);
    expect(grid.linesUsd).toEqual(lines.map((line) => expect.closeTo(line, 9)));
    expect(grid.decimals).toBe(decimals);
  });
});

describe('refusals', () => {
  const total = { cost_usd: '0', requests: 0, prompt_tokens: 0, completion_tokens: 0 };

  it('are counted by reason, most frequent first, with the team that has the most', () => {
    const data = [
      row('2026-11-18', 'a', '0', { refusals: { team_paused: 99 } }),
      row('2026-11-24', 'a', '0', { refusals: { model_not_allowed: 3, team_paused: 1 } }),
      row('2026-11-25', 'b', '0', { refusals: { model_not_allowed: 4 } }),
      row('2026-11-25', 'c', '0'),
    ];
    expect(countRefusals({ data, total }, '2026-11-19', '2026-11-25')).toEqual([
      { code: 'model_not_allowed', today: 4, week: 7, mostAffectedTeam: 'b' },
      { code: 'team_paused', today: 0, week: 1, mostAffectedTeam: 'a' },
    ]);
  });

  it('are distinguished from not being counted at all', () => {
    expect(countRefusals({ data: [row('2026-11-25', 'a', '1')], total }, '2026-11-19', '2026-11-25')).toBeUndefined();
    expect(countRefusals({ data: [], total: { ...total, refusals: {} } }, '2026-11-19', '2026-11-25')).toEqual([]);
  });
});
