import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../../lambda/kernel/audit-log.ts';
import { picoUsdFromNumber as usd } from '../../../lambda/kernel/money.ts';
import type { BudgetPorts } from '../../../lambda/ledger/budget-action.ts';
import { pause, resume, topUp } from '../../../lambda/ledger/budget-operations.ts';
import { CANARY_TEAM } from '../../../lambda/policy/canary-team.ts';
import { policyWith } from '../../support/catalog.ts';
import { budgets, buildReserveTerms, START_MS } from '../../support/ledger/ledger-fixtures.ts';
import { MemoryLedger } from '../../support/ledger/memory-ledger.ts';

const PERIOD = '2026-11';
const MONTH_END_MS = Date.parse('2026-12-01T00:00:00Z');
const policy = { ...policyWith({}), monthlyBudgetPicoUsd: usd(200), organizationCapPicoUsd: usd(500) };
const act = { team: 'chatbot', actor: 'arn:aws:iam::1:user/ann', reason: 'a launch', id: 'act-1' };

let ledger: MemoryLedger;
let ledgerNowMs: number;
let entries: AuditEntry[];
let ports: BudgetPorts;
beforeEach(() => {
  ledgerNowMs = START_MS;
  ledger = new MemoryLedger(() => ledgerNowMs);
  entries = [];
  ports = {
    ledger,
    audit: { append: async (entry) => void entries.push(entry) },
    readTeams: async () => new Map([['chatbot', policy]]),
    nowEpochMs: START_MS,
  };
});

const reserve = async (team = 'chatbot') =>
  await ledger.reserve({ team, period: PERIOD }, budgets(usd(200), usd(500)), buildReserveTerms('a', 1n));

describe('operations on budgets', () => {
  it('tops up a budget until the month ends, and records the actor, the reason, and the limit before and after', async () => {
    expect(await topUp(ports, act, usd(50), undefined)).toEqual({
      limitPicoUsd: usd(250),
      untilEpochMs: MONTH_END_MS,
    });
    expect(await ledger.read({ team: 'chatbot', period: PERIOD })).toMatchObject({ limitPicoUsd: usd(250) });
    expect(entries).toEqual([
      {
        atEpochMs: START_MS,
        id: 'act-1',
        actor: 'arn:aws:iam::1:user/ann',
        action: 'top_up_budget',
        subject: 'team chatbot',
        details: '$200 → $250 until 2026-12-01T00:00:00Z: a launch',
      },
    ]);
  });

  it("tops up the organisation's cap", async () => {
    await topUp(ports, { ...act, team: undefined }, usd(100), START_MS + 1_000);
    expect(await ledger.readOrganization(PERIOD)).toMatchObject({ limitPicoUsd: usd(600), availablePicoUsd: usd(600) });
    expect(entries).toMatchObject([{ subject: 'organization', details: expect.stringContaining('$500 → $600') }]);
  });

  it('pauses and resumes a team, and records both', async () => {
    await pause(ports, act, START_MS + 60_000);
    expect(await reserve()).toMatchObject({ refused: { reason: 'team_paused', why: 'a launch' } });
    await resume(ports, { ...act, id: 'act-2', reason: 'fixed' });
    expect(await reserve()).toMatchObject({ kind: 'reserved' });
    expect(entries.map(({ action, details }) => [action, details])).toEqual([
      ['pause', 'paused until 2026-11-24T00:01:00Z: a launch'],
      ['resume', 'resumed: fixed'],
    ]);
  });

  it('redacts a key that was pasted into the reason before callers see it', async () => {
    await pause(ports, { ...act, reason: 'gsk_live1234567890 leaked' }, undefined);
    expect(await reserve()).toMatchObject({ refused: { reason: 'team_paused', why: 'gsk_… leaked' } });
  });

  it('pauses all teams, including one without a policy that still holds money', async () => {
    await reserve('gone');
    await pause(ports, { ...act, team: undefined }, undefined);
    const again = await ledger.reserve(
      { team: 'gone', period: PERIOD },
      budgets(usd(200), usd(500)),
      buildReserveTerms('b', 1n),
    );
    expect(again).toMatchObject({ refused: { reason: 'organization_paused' } });
    expect(await reserve()).toMatchObject({ refused: { reason: 'organization_paused' } });
  });

  it('never pauses the canary team, so that deployments succeed during an incident', async () => {
    const teams = async () =>
      new Map([
        ['chatbot', policy],
        [CANARY_TEAM, policy],
      ]);
    await pause({ ...ports, readTeams: teams }, { ...act, team: undefined }, undefined);
    expect((await ledger.read({ team: CANARY_TEAM, period: PERIOD }))?.pauses).toBeUndefined();
    for (const operate of [
      () => pause({ ...ports, readTeams: teams }, { ...act, team: CANARY_TEAM }, undefined),
      () => topUp({ ...ports, readTeams: teams }, { ...act, team: CANARY_TEAM }, usd(5), undefined),
    ])
      await expect(operate()).rejects.toThrow('there is no team');
  });

  it.each<[string, () => Promise<unknown>, string]>([
    [
      'an unknown team',
      () => pause(ports, { ...act, team: 'chatbto' }, undefined),
      'there is no team "chatbto"; did you mean "chatbot"?',
    ],
    ['no reason', () => pause(ports, { ...act, reason: ' ' }, undefined), 'a reason is needed'],
    ['a reason too long', () => resume(ports, { ...act, reason: 'x'.repeat(201) }), 'at most 200 characters'],
    ...['a\u001b[2J', 'two\nlines', 'a\u2028b', 'a\u202eb'].map((reason): [string, () => Promise<unknown>, string] => [
      `a reason with a control character (${JSON.stringify(reason)})`,
      () => pause(ports, { ...act, reason }, undefined),
      'has a control character',
    ]),
    ['a pause that ends in the past', () => pause(ports, act, START_MS), '2026-11-24T00:00:00Z is over'],
    ['a top-up of $0', () => topUp(ports, act, usd(0), undefined), 'must be more than $0'],
    ['a top-up that ends in the past', () => topUp(ports, act, usd(1), START_MS), 'is over'],
    [
      'a top-up that ends after the month',
      () => topUp(ports, act, usd(1), MONTH_END_MS + 1),
      'lasts to the end of its month',
    ],
    [
      'no policies',
      () => pause({ ...ports, readTeams: async () => new Map() }, { ...act, team: undefined }, undefined),
      'deploy first',
    ],
  ])('refuses %s, changes nothing and records nothing', async (_what, operate, message) => {
    await expect(operate()).rejects.toThrow(message);
    expect(entries).toEqual([]);
    expect(await ledger.read({ team: 'chatbot', period: PERIOD })).toBeUndefined();
  });

  it('refuses an eleventh top-up until another has ended', async () => {
    for (let n = 0; n < 10; n++) await topUp(ports, { ...act, id: `act-${n}` }, usd(1), START_MS + 1_000 + n);
    await expect(topUp(ports, { ...act, id: 'more' }, usd(1), undefined)).rejects.toThrow('10 top-ups are in force');
    ledgerNowMs = START_MS + 1_000;
    const later = { ...ports, nowEpochMs: START_MS + 1_000 };
    await topUp(later, { ...act, id: 'more' }, usd(1), undefined);
  });

  it.each([['chatbot'], [undefined]])(
    'grants and records no more than ten of twenty concurrent top-ups: %s',
    async (team) => {
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) => topUp(ports, { ...act, team, id: `act-${n}` }, usd(1), undefined)),
      );
      const done = results.filter(({ status }) => status === 'fulfilled').length;
      const undone = entries.filter(({ details }) => details.startsWith('not done: 10 top-ups are in force')).length;
      expect(done).toBe(10);
      expect(entries.length - 2 * undone).toBe(10);
    },
  );

  it('ignores an ended top-up when it computes the new limit', async () => {
    await topUp(ports, act, usd(50), START_MS + 1_000);
    ledgerNowMs = START_MS + 2_000;
    const later = { ...ports, nowEpochMs: START_MS + 2_000 };
    expect(await topUp(later, { ...act, id: 'act-2' }, usd(10), undefined)).toMatchObject({ limitPicoUsd: usd(210) });
    expect(entries[1]?.details).toMatch(/^\$200 → \$210 until/);
  });

  it('changes nothing when it cannot record the operation', async () => {
    const broken = { ...ports, audit: { append: async () => Promise.reject(new Error('the table is gone')) } };
    await expect(pause(broken, act, undefined)).rejects.toThrow('the table is gone');
    expect(await reserve()).toMatchObject({ kind: 'reserved' });
  });
});
