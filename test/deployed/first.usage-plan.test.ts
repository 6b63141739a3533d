import { expect, it } from 'vitest';
import { DAILY_REQUESTS } from '../../local/aws/rehearsal-environment.ts';
import { postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';

const target = requireDeployed();

it("answers 429 in the standard body beyond a team's daily quota, and serves other teams", async () => {
  const key = target.teams.daily?.key ?? '';
  const statuses: number[] = [];
  for (let request = 0; request < DAILY_REQUESTS; request++) statuses.push((await postChat(target, key, {})).status);
  expect(statuses).toEqual(Array.from({ length: DAILY_REQUESTS }, () => 200));
  const over = await postChat(target, key, {});
  expect([over.status, over.headers.get('x-should-retry')]).toEqual([429, 'false']);
  expect(JSON.parse(over.text)).toEqual({
    error: { message: expect.stringContaining('midnight'), type: 'requests', param: null, code: 'rate_limit_exceeded' },
  });
  expect((await postChat(target, target.teams.roomy?.key ?? '', {})).status).toBe(200);
});
