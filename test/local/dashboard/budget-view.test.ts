import { describe, expect, it } from 'vitest';
import { type PicoUsd, picoUsd, picoUsdFromNumber, subtractUsd } from '../../../lambda/kernel/money.ts';
import { reportBudget, reportOrganizationBudget } from '../../../lambda/ledger/budget-report.ts';
import { openLedger } from '../../../lambda/ledger/ledger.ts';
import { parseEnvironment } from '../../../lambda/policy/environment.ts';
import { alertText, budgetsNeedingAttention, budgetViews } from '../../../local/dashboard/budget-view.ts';
import { catalog } from '../../support/catalog.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const LIMIT = picoUsdFromNumber(0.3);
const policyFor = (team: string) => {
  const fields = { allowedModels: ['openai/gpt-oss-20b'], monthlyBudgetUsd: 0.3, rateLimitRpm: null };
  const policy = parseEnvironment('test', { teams: { [team]: fields } }, catalog).teams.get(team);
  if (policy === undefined) throw new Error('no policy');
  return policy;
};
const budget = (spent: PicoUsd, changes: object = {}, team = 'chatbot') =>
  reportBudget(
    policyFor(team),
    { ...openLedger(LIMIT), spentPicoUsd: spent, availablePicoUsd: subtractUsd(LIMIT, spent), ...changes },
    NOW,
  );
const viewWith = (...args: Parameters<typeof budget>) => {
  const [view] = budgetViews(budget(...args));
  if (view === undefined) throw new Error('no view');
  return view;
};
const share = (percent: bigint) => (LIMIT * percent) / 100n;

describe('a budget is shown', () => {
  it.each<[bigint, string, string]>([
    [0n, 'Within budget', 'none'],
    [share(50n) - 1n, 'Within budget', 'none'],
    [share(50n), 'Past 50%', 'notice'],
    [share(80n) - 1n, 'Past 50%', 'notice'],
    [share(80n), 'Past 80%', 'warning'],
    [share(95n) - 1n, 'Past 80%', 'warning'],
    // As a quotient of floats, this would be slightly below 0.95.
    [share(95n), 'Past 95%', 'critical'],
    [LIMIT, 'Used up', 'critical'],
    [LIMIT + 1n, 'Used up', 'critical'],
  ])('with %d pico-dollars of 300000000000 spent as "%s"', (spent, label, severity) => {
    expect(viewWith(picoUsd(spent)).state).toEqual({ label, severity });
  });

  it('as paused, with the scope and reason', () => {
    const pauses = { team: { reason: 'a loop', untilEpochMs: NOW + 3_600_000 } };
    const view = viewWith(picoUsd(0n), { pauses });
    expect(view.state).toEqual({ label: 'Paused', severity: 'critical' });
    expect(view.remarks).toEqual(['Calls are paused until 25 Nov, 13:00 UTC: a loop.']);
  });

  it('with reserved money next to spent money, within the length of the bar', () => {
    const view = viewWith(picoUsd(share(90n)), { reservedPicoUsd: share(20n) });
    expect([view.spentShare, view.reservedShare]).toEqual([0.9, expect.closeTo(0.1)]);
  });

  it('for the organisation first, then for teams by name', () => {
    const organization = reportOrganizationBudget(LIMIT, undefined, [], NOW);
    const data = [budget(picoUsd(0n), {}, 'zebra'), budget(picoUsd(0n), {}, 'ant')];
    const views = budgetViews({ object: 'list', data, organization });
    expect(views.map(({ name }) => name)).toEqual(['Organisation', 'ant', 'zebra']);
  });
});

describe('an alert on the page shows', () => {
  it('the most severe first, and no budget within its limits', () => {
    const spent = { calm: 10n, half: 60n, most: 97n, many: 84n };
    const data = Object.entries(spent).map(([team, percent]) => budget(picoUsd(share(percent)), {}, team));
    const organization = reportOrganizationBudget(LIMIT, undefined, [], NOW);
    const alerts = budgetsNeedingAttention(budgetViews({ object: 'list', data, organization }));
    expect(alerts.map(({ name }) => name)).toEqual(['most', 'many', 'half']);
  });

  it('what is used, what is left and until when', () => {
    expect(alertText(viewWith(picoUsd(share(84n))))).toBe(
      'chatbot: 84% used, $0.2520 of $0.3000. $0.0480 left until 1 Dec, 00:00 UTC.',
    );
    expect(alertText(viewWith(LIMIT))).toContain('Nothing left until');
  });
});
