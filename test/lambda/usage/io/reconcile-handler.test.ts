import { expect, it } from 'vitest';
import { picoUsd } from '../../../../lambda/kernel/money.ts';
import { openLedger } from '../../../../lambda/ledger/ledger.ts';
import { createReconciliationHandler } from '../../../../lambda/usage/io/reconcile-handler.ts';
import { NO_USAGE } from '../../../../lambda/usage/usage.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { catalog, policyWith } from '../../../support/catalog.ts';
import { fakeClock } from '../../../support/fake-clock.ts';

/** Runs one reconciliation of a team that has spent 7 picodollars, of which so many were counted. */
async function run(counted: bigint, fails = false) {
  const told: Record<string, unknown>[] = [];
  const handler = createReconciliationHandler({
    policies: { policies: async () => ({ teams: new Map([['chatbot', policyWith()]]), catalog }) },
    ledger: {
      read: async ({ period }) => {
        if (fails) throw new Error('down');
        return period === '2026-11' ? { ...openLedger(picoUsd(10n)), spentPicoUsd: picoUsd(7n) } : undefined;
      },
      readOrganization: async () => undefined,
    },
    usage: {
      listRows: async (team, day) =>
        day === '2026-11-01' ? [{ ...NO_USAGE, team, day, keyId: 'k', model: 'm', costPicoUsd: picoUsd(counted) }] : [],
    },
    clock: fakeClock(),
    environmentName: 'test',
    log: (event, facts) => told.push({ event, ...facts }),
    write: (line) => told.push(JSON.parse(line)),
  });
  const error = await handler({}, lambdaContext('reconciler', 'r', 600_000)).then(
    () => undefined,
    (reason: Error) => reason.message,
  );
  return { told, error };
}

it('writes that nothing lacks, so that the alarm clears', async () => {
  const { told, error } = await run(7n);
  expect([error, told]).toMatchObject([
    undefined,
    [{ event: 'reconciliation_completed', UsageGapUsd: 0, equal: 2, gaps: 0 }],
  ]);
});

it('names each team whose usage lacks something, and writes how much it is in all', async () => {
  const { told } = await run(3n);
  expect(told).toMatchObject([
    { event: 'usage_gap', team: 'chatbot', period: '2026-11', spentUsd: '0.000000000004', isExact: true },
    { event: 'reconciliation_completed', Environment: 'test', UsageGapUsd: 4e-12 },
  ]);
});

it('fails when a ledger could not be read, after it has told of the others', async () => {
  const { told, error } = await run(7n, true);
  expect([told.length, error]).toEqual([1, 'could not compare chatbot in 2026-11, chatbot in 2026-10']);
});
