import { afterEach, expect, it } from 'vitest';
import { renderRefusal } from '../../../../lambda/kernel/refusals.ts';
import { StubServers, stubUpstream } from '../../../support/groq/stub-upstream.ts';

const servers = new StubServers();
afterEach(() => servers.close());

it.each(['blocked_api_access', 'spend_limit_reached'])("is Groq's block whatever its status: %s", async (code) => {
  for (const status of [400, 401, 403, 429, 503]) {
    const body = JSON.stringify({ error: { message: 'Spend limit of org_01abc reached', type: 'x', code } });
    const { chat, clock } = stubUpstream(await servers.answer(status, body));
    expect(await chat()).toMatchObject({ kind: 'rejected', refusal: { reason: 'groq_blocked' } });
    expect(clock.sleptMs()).toBe(0);
  }
});

it('reaches the caller with texts only, without the key that Groq quotes', async () => {
  const error = {
    message: 'Invalid key gsk_good in org_01abcdef',
    type: null,
    param: 7,
    code: null,
    debug: 'gsk_good',
  };
  const { chat } = stubUpstream(await servers.answer(400, JSON.stringify({ error })));
  const answer = await chat();
  if (answer.kind !== 'rejected') throw new Error('a refusal was expected');
  const { status, body } = renderRefusal(answer.refusal);
  expect([status, JSON.parse(body)]).toEqual([
    400,
    {
      error: {
        message: 'Invalid key gsk_… in org_…',
        type: 'invalid_request_error',
        param: '7',
        code: 'groq_rejected',
      },
    },
  ]);
});
