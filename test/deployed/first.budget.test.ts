import { expect, it } from 'vitest';
import { picoUsdFromNumber, toUsdString } from '../../lambda/kernel/money.ts';
import { CALL_USD, EXACT_CALLS } from '../../local/aws/rehearsal-environment.ts';
import { fetchBudget, postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';

/** Number of concurrent clients, which share the calls. */
const CLIENTS = 50;

const target = requireDeployed();

it('never overspends a budget under 50 concurrent clients that send four times the calls that it pays', async () => {
  const key = target.teams.exact?.key ?? '';
  const body = { messages: [{ role: 'user', content: '[tokens:50]' }], max_tokens: 50 };
  const statuses: number[] = [];
  let sent = 0;
  const client = async () => {
    while (sent++ < 4 * EXACT_CALLS) statuses.push((await postChat(target, key, body)).status);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const admitted = statuses.filter((status) => status === 200).length;
  const { limit_usd, spent_usd, held_usd, assumed_usd, overrun_usd } = await fetchBudget(target, key);
  console.log(
    `budget of $${limit_usd}, worth ${EXACT_CALLS} calls: ${admitted} of ${statuses.length} admitted, $${spent_usd} spent`,
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
