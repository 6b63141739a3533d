import { expect, it } from 'vitest';
import { picoUsd } from '../../../../lambda/kernel/money.ts';
import { openLedger } from '../../../../lambda/ledger/ledger.ts';
import { createReconciliationHandler } from '../../../../lambda/usage/io/reconcile-handler.ts';
import { NO_USAGE } from '../../../../lambda/usage/usage.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { catalog, policyWith } from '../../../support/catalog.ts';
import { fakeClock } from '../../../support/fake-clock.ts';

/** Runs one reconciliation of a team that has spent 7 pico-dollars, of which usage has counted a part. */
async function run(counted: bigint, fails = false) {
  const lines: Record<string, unknown>[] = [];
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
    log: (event, facts) => lines.push({ event, ...facts }),
    write: (line) => lines.push(JSON.parse(line)),
  });
  const error = await handler({}, lambdaContext('reconciler', 'r', 600_000)).then(
    () => undefined,
    (reason: Error) => reason.message,
  );
  return { lines, error };
}

it('reports a gap of zero if usage is complete, so that the alarm clears', async () => {
  const { lines, error } = await run(7n);
  expect([error, lines]).toMatchObject([
    undefined,
    [{ event: 'reconciliation_completed', UsageGapUsd: 0, equal: 2, gaps: 0 }],
  ]);
});

it('logs each team whose usage has a gap, and reports the total', async () => {
  const { lines } = await run(3n);
  expect(lines).toMatchObject([
    { event: 'usage_gap', team: 'chatbot', period: '2026-11', spentUsd: '0.000000000004', isExact: true },
    { event: 'reconciliation_completed', Environment: 'test', UsageGapUsd: 4e-12 },
  ]);
});

it('fails if a ledger could not be read, after reporting the others', async () => {
  const { lines, error } = await run(7n, true);
  expect([lines.length, error]).toEqual([1, 'could not compare chatbot in 2026-11, chatbot in 2026-10']);
});
