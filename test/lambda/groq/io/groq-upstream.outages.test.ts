import { afterEach, expect, it } from 'vitest';
import { StubServers, stubUpstream } from '../../../support/groq/stub-upstream.ts';

const servers = new StubServers();
afterEach(() => servers.close());

/** A server that answers with a status until it is changed, and counts its requests. */
async function storm(status: number) {
  const state = { status, requests: 0 };
  const url = await servers.serve((_request, response) => {
    state.requests++;
    const body = state.status === 200 ? { choices: [] } : { error: { message: 'no', type: 'error' } };
    response.writeHead(state.status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  return { state, ...stubUpstream(url) };
}

it.each([429, 498])('a storm of %s does not multiply calls', async (status) => {
  const { state, chat, logged } = await storm(status);
  for (let n = 0; n < 200; n++) await chat();
  expect(state.requests).toBeLessThanOrEqual(200 * 1.2 + 10);
  expect(logged.some(({ event }) => event === 'breaker_opened')).toBe(false);
});

it('a storm of 503 is answered without calls, except for probes, until Groq is back', async () => {
  const { state, chat, clock, logged } = await storm(503);
  for (let n = 0; n < 200; n++) await chat();
  expect(state.requests).toBeLessThan(40);
  const refused = await chat();
  expect(refused).toMatchObject({
    kind: 'rejected',
    refusal: { reason: 'groq_unavailable', message: expect.stringContaining('Nothing was sent or billed') },
  });
  expect(refused).toHaveProperty('refusal.retryAfterMs');
  expect(logged.filter(({ event }) => event === 'breaker_opened')).toEqual([
    { event: 'breaker_opened', model: 'openai/gpt-oss-20b' },
  ]);
  state.status = 200;
  await clock.sleep(60_000);
  expect(await chat()).toMatchObject({ kind: 'complete' });
  expect(logged.at(-1)).toEqual({ event: 'breaker_closed', model: 'openai/gpt-oss-20b' });
  for (let n = 0; n < 5; n++) expect(await chat()).toMatchObject({ kind: 'complete' });
});

it('an outage of one model leaves the others alone', async () => {
  const { chat } = await storm(503);
  for (let n = 0; n < 50; n++) await chat();
  const other = await chat({ model: 'openai/gpt-oss-120b' });
  expect(other).toMatchObject({ refusal: { message: 'Groq answered 503. Nothing was billed; try again.' } });
});

it('a few failures are still retried', async () => {
  const { state, chat } = await storm(503);
  await chat();
  expect(state.requests).toBe(4);
});
