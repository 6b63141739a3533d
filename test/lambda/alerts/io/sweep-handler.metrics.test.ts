import { beforeEach, describe, expect, it } from 'vitest';
import { createSweepHandler } from '../../../../lambda/alerts/io/sweep-handler.ts';
import { dayStartEpochMs, MS_PER_DAY, periodAt } from '../../../../lambda/kernel/period.ts';
import { openLedger } from '../../../../lambda/ledger/ledger.ts';
import type { SweepableLedger } from '../../../../lambda/ledger/sweep.ts';
import { NO_USAGE, type UsageRow } from '../../../../lambda/usage/usage.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { alertDeliveryWith, MemoryAlertRepository, usd } from '../../../support/alert-delivery.ts';
import { catalog, policyWith } from '../../../support/catalog.ts';
import { fakeClock } from '../../../support/fake-clock.ts';

const MIDDAY_MS = (dayStartEpochMs('2026-11-15') ?? 0) + MS_PER_DAY / 2;
const TEAMS = ['a', 'idle'];

let nowMs: number;
let spentUsd: Map<string, number>;
let broken: string | undefined;
let rows: UsageRow[];
let rowsRead: number;
let isUsageBroken: boolean;
let claims: MemoryAlertRepository;
beforeEach(() => {
  nowMs = MIDDAY_MS;
  spentUsd = new Map();
  broken = undefined;
  rows = [];
  rowsRead = 0;
  isUsageBroken = false;
  claims = new MemoryAlertRepository();
});

const ledger: SweepableLedger = {
  sweep: async ({ team, period }) => {
    if (team === broken) throw new Error('no');
    const amount = spentUsd.get(`${team} ${period}`);
    return amount === undefined
      ? undefined
      : { expired: 0, state: { ...openLedger(usd(100)), spentPicoUsd: usd(amount) } };
  },
  sweepCap: async () => undefined,
  readOrganization: async (period) =>
    spentUsd.size === 0
      ? undefined
      : {
          holders: new Set(
            [...spentUsd.keys()].filter((key) => key.endsWith(period)).map((key) => key.split(' ')[0] ?? ''),
          ),
          limitPicoUsd: usd(400),
        },
};

/** A sweeper process. Each call is a sweep that returns the budget statuses, published alerts and the fault. */
function createSweeper() {
  const { ports, published } = alertDeliveryWith(claims, {
    nowEpochMs: () => nowMs,
    usage: {
      listRows: async (team) => {
        if (isUsageBroken) throw new Error('no');
        rowsRead++;
        return rows.filter((row) => row.team === team);
      },
    },
  });
  const lines: string[] = [];
  const policies = new Map(
    TEAMS.map((team) => [
      team,
      { ...policyWith(), team, monthlyBudgetPicoUsd: usd(100), organizationCapPicoUsd: usd(400) },
    ]),
  );
  const handler = createSweepHandler({
    policies: { policies: async () => ({ teams: policies, catalog }) },
    ledger,
    clock: { ...fakeClock(), nowEpochMs: () => nowMs },
    alerts: ports,
    environmentName: 'test',
    write: (line) => lines.push(line),
  });
  return async () => {
    let fault = '';
    await handler({}, lambdaContext('sweeper', 'r', 60_000)).catch((error: Error) => {
      fault = error.message;
    });
    const statuses = lines
      .splice(0)
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === 'budget_status');
    return { statuses, alerts: published.splice(0).map(({ alertId }) => alertId), fault };
  };
}
const row = (team: string, day: string, cost: number): UsageRow => ({
  ...NO_USAGE,
  ...{ team, day, keyId: 'k', model: 'm', costPicoUsd: usd(cost) },
});
const spend = (team: string, amount: number) => spentUsd.set(`${team} ${periodAt(nowMs)}`, amount);

describe('the budget statuses of the sweep', () => {
  it('have a line for each team with a policy, idle or not, and one for all teams, including former ones', async () => {
    rows = Array.from({ length: 14 }, (_, n) => row('a', `2026-11-${String(n + 1).padStart(2, '0')}`, 4));
    spend('a', 58);
    spend('gone', 30);
    const { statuses } = await createSweeper()();
    expect(statuses.map((line) => [line.Team, line.BudgetUsedPercent, line.ProjectedMonthEndUsd])).toEqual([
      ['a', 58, 120],
      ['idle', 0, 0],
      // Usage does not contain the former team's spending, so it counts as today's.
      ['ORGANIZATION', 22, expect.closeTo(212, 0)],
    ]);
    expect(statuses[0]._aws).toEqual({
      Timestamp: MIDDAY_MS,
      CloudWatchMetrics: [
        {
          Namespace: 'GroqGateway',
          Dimensions: [['Environment', 'Team']],
          Metrics: [
            { Name: 'BudgetUsedPercent', Unit: 'Percent' },
            { Name: 'ProjectedMonthEndUsd', Unit: 'None' },
          ],
        },
      ],
    });
    expect(statuses[2]._aws.CloudWatchMetrics[1]).toEqual({
      Namespace: 'GroqGateway',
      Dimensions: [['Environment']],
      Metrics: [{ Name: 'SpentUsd', Unit: 'None' }],
    });
    expect(statuses[2].SpentUsd).toBe(88);
    expect(JSON.stringify(statuses[0]).length).toBeLessThan(450);
  });

  it('are zero at the beginning of a month, so that alarms clear', async () => {
    spend('a', 96);
    const sweep = createSweeper();
    expect((await sweep()).statuses[0].BudgetUsedPercent).toBe(96);
    nowMs = (dayStartEpochMs('2026-12-01') ?? 0) + 1;
    const { statuses, alerts } = await sweep();
    expect(statuses.map(({ BudgetUsedPercent }) => BudgetUsedPercent)).toEqual([0, 0, 0]);
    expect(statuses[2].SpentUsd).toBe(0);
    expect(alerts).toEqual([]);
  });

  it('omit a budget whose ledger cannot be read, and the total', async () => {
    spend('a', 96);
    broken = 'idle';
    const { statuses, fault } = await createSweeper()();
    expect(statuses.map(({ Team }) => Team)).toEqual(['a']);
    expect(fault).toBe('could not sweep the ledgers of idle');
  });

  it('include spending even if the projection is unknown', async () => {
    isUsageBroken = true;
    spend('a', 40);
    const { statuses } = await createSweeper()();
    expect(statuses[0]).toMatchObject({ BudgetUsedPercent: 40 });
    expect(statuses[0]).not.toHaveProperty('ProjectedMonthEndUsd');
  });

  it('read past usage once per day and team', async () => {
    const sweep = createSweeper();
    for (let sweeps = 0; sweeps < 5; sweeps++) await sweep();
    expect(rowsRead).toBe(TEAMS.length);
    nowMs += MS_PER_DAY;
    await sweep();
    expect(rowsRead).toBe(2 * TEAMS.length);
  });
});

describe('the alerts of the sweep', () => {
  it('are the undelivered ones, once, of teams and of the organisation, percentages and amounts', async () => {
    spend('a', 81);
    spend('idle', 60);
    spend('gone', 110);
    const sweep = createSweeper();
    const { alerts } = await sweep();
    expect(alerts.sort()).toEqual(
      [
        'ORGANIZATION/$100',
        'ORGANIZATION/$250',
        'ORGANIZATION/50%',
        'a/50%',
        'a/80%',
        'gone/50%',
        'gone/80%',
        'gone/95%',
        'idle/50%',
      ].map((name) => `test/2026-11/${name}`),
    );
    expect([(await sweep()).alerts, (await createSweeper()()).alerts]).toEqual([[], []]);
  });

  it('include those of the month before on the first day of a month', async () => {
    spend('a', 51);
    nowMs = (dayStartEpochMs('2026-12-01') ?? 0) + 60_000;
    expect((await createSweeper()()).alerts).toEqual(['test/2026-11/a/50%']);
  });

  it('make the sweep fail with their names if they cannot be delivered', async () => {
    spend('a', 51);
    claims.claim = async () => Promise.reject(new Error('no'));
    expect((await createSweeper()()).fault).toBe('could not deliver the alerts 2026-11/a/50%');
    claims.listRecords = async () => Promise.reject(new Error('cannot read the alerts of 2026-11'));
    broken = 'idle';
    expect((await createSweeper()()).fault).toBe(
      'could not sweep the ledgers of idle; could not deliver the alerts of all teams: cannot read the alerts of 2026-11',
    );
  });
});
