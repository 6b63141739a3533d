import { describe, expect, it } from 'vitest';
import type { BoundedCall } from '../../../lambda/chat/bounded-call.ts';
import { type ChatRequest, parseChatRequest } from '../../../lambda/chat/chat-request.ts';
import { decide } from '../../../lambda/chat/decide.ts';
import { acquireHeadroom } from '../../../lambda/chat/headroom-queue.ts';
import { Headroom } from '../../../lambda/groq/headroom.ts';
import { renderRefusal } from '../../../lambda/kernel/refusals.ts';
import { catalog, policyWith } from '../../support/catalog.ts';
import { fakeClock } from '../../support/fake-clock.ts';

const MODEL = 'openai/gpt-oss-20b';

function setUp(fields: Record<string, unknown>) {
  const clock = fakeClock();
  const headroom = new Headroom();
  const policy = policyWith(fields);
  const body = { model: MODEL, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 100 };
  const request = parseChatRequest(JSON.stringify(body)) as ChatRequest;
  const call = decide({ keyId: 'k', role: 'member', team: 'chatbot' }, policy, catalog, request) as BoundedCall;
  const enter = (deadlineMs = 60_000) =>
    acquireHeadroom({ headroom, clock }, policy, call, clock.nowEpochMs() + deadlineMs);
  const see = (remaining: number) =>
    headroom.observe(MODEL, { tokens: { perWindow: 250_000, remaining } }, clock.nowEpochMs());
  return { clock, headroom, enter, see };
}

describe("a call when Groq's limits run low", () => {
  it('is told the numbers, the way out and the exact time', async () => {
    const { enter, see, clock } = setUp({ priority: 'batch' });
    see(30_000);
    const refusal = await enter();
    expect(refusal).toEqual({
      reason: 'groq_headroom_low',
      message:
        "Groq's own limit for openai/gpt-oss-20b is nearly used up: 12 % of 250,000 tokens a minute left; teams of priority batch wait until 25 % is free. Try again in 7.8 s.",
      retryAfterMs: 7_800,
    });
    if (!('reason' in refusal)) throw new Error('a refusal was expected');
    expect(renderRefusal(refusal)).toMatchObject({
      status: 429,
      headers: { 'retry-after': '8', 'retry-after-ms': '7800' },
      body: expect.stringContaining('"type":"upstream","param":null,"code":"rate_limit_exceeded"'),
    });
    expect(clock.sleptMs()).toBe(0);
  });

  it('is told when Groq has refused by a limit that it does not tell', async () => {
    const { enter, headroom, clock } = setUp({});
    headroom.observe(MODEL, { refused: { retryAfterMs: 2_500, by: undefined } }, clock.nowEpochMs());
    expect(await enter()).toMatchObject({
      message:
        "Groq's own limit for openai/gpt-oss-20b is reached; teams of priority normal wait until Groq takes calls again. Try again in 2.5 s.",
    });
  });

  it('is not to be slept through by a client for longer than a minute', async () => {
    const { enter, headroom, clock } = setUp({});
    headroom.observe(MODEL, { requests: { perWindow: 1_000, remaining: 0 } }, clock.nowEpochMs());
    const refusal = await enter();
    if (!('reason' in refusal)) throw new Error('a refusal was expected');
    expect(renderRefusal(refusal).headers).toMatchObject({ 'retry-after': '8640', 'x-should-retry': 'false' });
  });

  it('waits as long as its team allows, and is let in at the exact time', async () => {
    const { enter, see, clock } = setUp({ priority: 'batch', maxQueueMs: 2_000 });
    see(62_500 - 8_333);
    expect(await enter()).toMatchObject({ queuedMs: 2_000 });
    expect(clock.sleptMs()).toBe(2_000);
  });

  it.each([
    ['the team allows', 2_000, 60_000, 62_500 - 8_334],
    ['its deadline leaves', 2_000, 1_000, 62_500 - 8_333],
  ])('is refused at once when the wait is longer than %s', async (_what, maxQueueMs, deadlineMs, remaining) => {
    const { enter, see, clock } = setUp({ priority: 'batch', maxQueueMs });
    see(remaining);
    expect(await enter(deadlineMs)).toMatchObject({ reason: 'groq_headroom_low' });
    expect(clock.sleptMs()).toBe(0);
  });

  it('looks again after its wait, and waits no longer in all than its team allows', async () => {
    const { enter, see, clock } = setUp({ priority: 'batch', maxQueueMs: 2_000 });
    see(62_500 - 4_000);
    clock.at(900, async () => see(62_500 - 8_000));
    expect(await enter()).toMatchObject({ reason: 'groq_headroom_low' });
    expect(clock.sleptMs()).toBeLessThanOrEqual(2_000);
  });

  it('sees those that came at the same moment', async () => {
    const { enter, see } = setUp({ priority: 'batch', rateLimitRpm: null });
    see(62_500 + 1_000);
    const entries = await Promise.all(Array.from({ length: 100 }, () => enter()));
    const letIn = entries.filter((entry) => 'release' in entry);
    // Each may use some 300 tokens, and 1,000 are over what must stay free.
    expect(letIn.length).toBe(4);
    expect(entries.at(-1)).toMatchObject({
      message: expect.stringContaining('counting what requests in flight may use'),
    });
    for (const entry of letIn) entry.release();
    expect(await enter()).toHaveProperty('release');
  });

  it('does not see those that wait for something else, until they come back', async () => {
    const { enter, see } = setUp({ priority: 'batch', rateLimitRpm: null });
    see(62_500 + 100);
    const first = await enter();
    if (!('release' in first)) throw new Error('the first must be let in');
    expect(await enter()).toHaveProperty('reason');
    first.release();
    first.release();
    const second = await enter();
    expect(second).toHaveProperty('release');
    if ('release' in second) second.release();
    first.reacquire();
    first.reacquire();
    expect(await enter()).toHaveProperty('reason');
    first.release();
    expect(await enter()).toHaveProperty('release');
  });
});
