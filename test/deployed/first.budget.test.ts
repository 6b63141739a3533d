import { expect, it } from 'vitest';
import { picoUsdFromNumber, toUsdString } from '../../lambda/kernel/money.ts';
import { CALL_USD, EXACT_CALLS } from '../../local/aws/rehearsal-environment.ts';
import { fetchBudget, postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';

/** Clients that call at the same time, each until all calls are made. */
const CLIENTS = 50;

const target = requireDeployed();

it('holds a budget exactly under 50 concurrent clients that fire four times as much as it pays', async () => {
  const key = target.teams.exact?.key ?? '';
  const body = { messages: [{ role: 'user', content: '[tokens:50]' }], max_tokens: 50 };
  const statuses: number[] = [];
  let fired = 0;
  const client = async () => {
    while (fired++ < 4 * EXACT_CALLS) statuses.push((await postChat(target, key, body)).status);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const admitted = statuses.filter((status) => status === 200).length;
  const { limit_usd, spent_usd, held_usd, assumed_usd, overrun_usd } = await fetchBudget(target, key);
  console.log(
    `budget of $${limit_usd}, worth ${EXACT_CALLS} calls: ${admitted} of ${statuses.length} let through, $${spent_usd} spent`,
  );
  expect(new Set(statuses)).toEqual(new Set([200, 402]));
  expect(admitted).toBeLessThanOrEqual(EXACT_CALLS);
  expect(admitted).toBeGreaterThanOrEqual(0.95 * EXACT_CALLS);
  expect({ spent_usd, held_usd, assumed_usd, overrun_usd }).toEqual({
    spent_usd: toUsdString(picoUsdFromNumber(admitted * CALL_USD)),
    held_usd: '0',
    assumed_usd: '0',
    overrun_usd: '0',
  });
});
