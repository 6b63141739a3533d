import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { picoUsdFromNumber } from '../../lambda/kernel/money.ts';
import { periodAt } from '../../lambda/kernel/period.ts';
import { DynamoLedger } from '../../lambda/ledger/io/dynamo-ledger.ts';
import { DynamoAuditLog } from '../../lambda/policy/io/dynamo-audit-log.ts';
import { fetchBudget, postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';

const target = requireDeployed();
const keyFor = (team: string) => target.teams[team]?.key ?? '';
const dynamo = new DynamoDBClient({});

/** The caches of policies and of the authorizer, with a margin. */
const PROPAGATION_TIMEOUT_MS = 65_000;

async function waitForStatus(status: number, call: () => Promise<{ status: number }>): Promise<void> {
  const startMs = performance.now();
  for (;;) {
    const seen = (await call()).status;
    if (seen === status) return;
    expect(performance.now() - startMs, `still ${seen} instead of ${status}`).toBeLessThan(PROPAGATION_TIMEOUT_MS);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

it('moves a raised budget by the difference, and keeps the spending', async () => {
  const { limit_usd, available_usd, spent_usd } = await fetchBudget(target, keyFor('changing'));
  expect(limit_usd).toBe('25');
  expect(Number(spent_usd)).toBeGreaterThan(0);
  expect(picoUsdFromNumber(Number(available_usd)) + picoUsdFromNumber(Number(spent_usd))).toBe(picoUsdFromNumber(25));
});

it('accepts an added model and the key of a new team', async () => {
  await waitForStatus(200, () => postChat(target, keyFor('changing'), { model: 'openai/gpt-oss-120b' }));
  await waitForStatus(200, () => postChat(target, keyFor('arriving'), {}));
});

it('refuses the keys of a removed team, and keeps its ledger', async () => {
  await waitForStatus(401, () => postChat(target, keyFor('leaving'), {}));
  const ledger = new DynamoLedger(dynamo, target.ledgerTable, Date.now);
  const view = await ledger.read({ team: 'leaving', period: periodAt(Date.now()) });
  expect(view?.spentPicoUsd).toBeGreaterThan(0n);
});

it('records the changes in the audit trail', async () => {
  const entries = await new DynamoAuditLog(dynamo, target.registryTable).listNewest(periodAt(Date.now()), 50);
  const published = entries.filter(({ action }) => action === 'publish_policies').map(({ details }) => details);
  const change = published.find((details) => details.includes('| team changing: monthlyBudgetUsd | $10 | $25 |'));
  expect(change).toContain('| team leaving | deployed | removed |');
});
