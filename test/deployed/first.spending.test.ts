import { expect, it } from 'vitest';
import { postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';

const target = requireDeployed();

it.each(['changing', 'leaving'])('serves the team %s, whose policy changes later', async (team) => {
  const answer = await postChat(target, target.teams[team]?.key ?? '', {});
  expect([answer.status, Number(answer.headers.get('x-request-cost-usd')) > 0]).toEqual([200, true]);
});
