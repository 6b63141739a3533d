import { describe, expect, it } from 'vitest';
import { picoUsd, picoUsdFromNumber } from '../../../lambda/kernel/money.ts';
import { openLedger } from '../../../lambda/ledger/ledger.ts';
import { openOrganizationLedger } from '../../../lambda/ledger/organization-ledger.ts';
import type { LedgerKey } from '../../../lambda/ledger/ports.ts';
import type { LedgerState } from '../../../lambda/ledger/reservation.ts';
import { CANARY_TEAM } from '../../../lambda/policy/canary-team.ts';
import { readSpending, type SpendingPorts } from '../../../lambda/reporting/read-spending.ts';
import { buildWeeklyReport } from '../../../lambda/reporting/weekly-report.ts';
import type { UsageRow } from '../../../lambda/usage/usage.ts';
import { catalog, policyWith } from '../../support/catalog.ts';
import { usageRow, WEEK } from '../../support/spending.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');

/** Fake stores of teams with usage and ledgers, and a list of the reads in order. */
function createRig(fields: {
  readonly policies?: readonly string[];
  readonly holders?: readonly string[];
  readonly rows?: readonly UsageRow[];
  readonly ledgers?: Readonly<Record<string, Partial<LedgerState>>>;
  /** Usage rows after the first delay. */
  readonly later?: readonly UsageRow[];
}) {
  const { policies = ['a'], holders = [], ledgers = {} } = fields;
  let rows = fields.rows ?? [];
  const read: string[] = [];
  const ports: SpendingPorts = {
    usage: {
      listRows: async (team, from, to) => {
        read.push(`usage ${team} ${from} ${to}`);
        return rows.filter((row) => row.team === team && row.day >= from && row.day <= to);
      },
    },
    keyNames: {
      listKeyNames: async (team) => {
        read.push(`names ${team}`);
        return new Map([['k1', `${team}-test-main`]]);
      },
    },
    ledger: {
      read: async ({ team, period }: LedgerKey) => {
        read.push(`ledger ${team} ${period}`);
        const found = ledgers[`${team} ${period}`];
        return found === undefined ? undefined : { ...openLedger(picoUsd(1_000n)), ...found };
      },
      readOrganization: async (period) =>
        holders.length === 0
          ? undefined
          : { ...openOrganizationLedger(picoUsd(9_000n)), holders: new Set(period === '2026-11' ? holders : []) },
    },
    policies: async () => ({
      teams: new Map(policies.map((team) => [team, policyWith()])),
      catalog,
    }),
    environmentName: 'test',
    nowEpochMs: () => NOW,
    sleep: async (ms) => {
      read.push(`waited ${ms}`);
      rows = fields.later ?? rows;
    },
  };
  return { ports, read };
}

describe('reading spending', () => {
  it('reads each ledger before its usage, of the previous week and of whole months', async () => {
    const row = usageRow();
    const { ports, read } = createRig({ rows: [row], ledgers: { 'a 2026-11': { spentPicoUsd: row.costPicoUsd } } });
    const facts = await readSpending(ports, [WEEK]);
    expect(read).toEqual(['ledger a 2026-11', 'usage a 2026-11-01 2026-11-30', 'names a']);
    expect(buildWeeklyReport(facts, WEEK)).toMatchObject({
      figures: 'final',
      teams: [{ team: 'a', counts: { costPicoUsd: 7n }, topKey: { name: 'a-test-main' } }],
    });
    expect(facts.prices.get('openai/gpt-oss-20b')).toMatchObject({ inputTokenPicoUsd: 75_000n });
  });

  it('reads both months of a week that spans two, and no future month', async () => {
    const { ports, read } = createRig({});
    await readSpending(ports, ['2026-W44', '2026-W49']);
    expect(read.filter((line) => !line.startsWith('waited'))).toEqual([
      'ledger a 2026-10',
      'ledger a 2026-11',
      'usage a 2026-10-01 2026-12-06',
    ]);
  });

  it('includes former teams and budgets of teams without a call, but not the canary', async () => {
    const { ports } = createRig({ policies: ['a', CANARY_TEAM], holders: ['gone', CANARY_TEAM] });
    const facts = await readSpending(ports, [WEEK]);
    expect(facts.teams).toEqual(['a', 'gone']);
    expect(facts.ledgers).toMatchObject([
      { team: 'a', period: '2026-11', limitPicoUsd: picoUsdFromNumber(200), spentPicoUsd: 0n },
    ]);
    expect(facts.caps).toEqual(new Map([['2026-11', 9_000n]]));
  });

  it('does not call a week final whose ledgers are past their retention', async () => {
    const old = '2025-W42';
    const { ports } = createRig({});
    const facts = await readSpending(ports, [old]);
    expect([...facts.periods]).toEqual([]);
    expect(buildWeeklyReport(facts, old)).toMatchObject({ figures: 'unchecked', total: { counts: { requests: 0 } } });
    expect([...(await readSpending(ports, ['2025-W47', WEEK])).periods]).toEqual(['2025-11', '2026-11']);
  });

  it('waits for usage that is behind its ledger, and reports a difference that remains', async () => {
    const row = usageRow();
    const ledgers = { 'a 2026-11': { spentPicoUsd: row.costPicoUsd } };
    const catchingUp = createRig({ ledgers, later: [row] });
    expect(buildWeeklyReport(await readSpending(catchingUp.ports, [WEEK]), WEEK).figures).toBe('final');
    expect(catchingUp.read.filter((line) => line.startsWith('waited'))).toEqual(['waited 2000']);
    const stale = createRig({ ledgers });
    expect(buildWeeklyReport(await readSpending(stale.ports, [WEEK]), WEEK)).toMatchObject({
      figures: 'provisional',
      gapPicoUsd: 7n,
    });
    expect(stale.read.filter((line) => line.startsWith('waited'))).toHaveLength(2);
    const once = createRig({ ledgers });
    await readSpending(once.ports, [WEEK], { tries: 1 });
    expect(once.read.filter((line) => line.startsWith('waited'))).toEqual([]);
  });

  it('reports its progress after each team', async () => {
    const progress: string[] = [];
    const { ports } = createRig({ policies: ['a', 'b', 'c'] });
    await readSpending(ports, [WEEK], { onTeam: (done, total) => progress.push(`${done} of ${total}`) });
    expect(progress).toEqual(['1 of 3', '2 of 3', '3 of 3']);
  });
});
