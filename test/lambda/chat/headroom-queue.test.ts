import { describe, expect, it } from 'vitest';
import { acquireHeadroom } from '../../../lambda/chat/headroom-queue.ts';
import type { BoundedCall } from '../../../lambda/chat/request/bounded-call.ts';
import { type ChatRequest, parseChatRequest } from '../../../lambda/chat/request/chat-request.ts';
import { decide } from '../../../lambda/chat/request/decide.ts';
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
  const acquire = (deadlineMs = 60_000) =>
    acquireHeadroom({ headroom, clock }, policy, call, clock.nowEpochMs() + deadlineMs);
  const report = (remaining: number) =>
    headroom.observe(MODEL, { tokens: { perWindow: 250_000, remaining } }, clock.nowEpochMs());
  return { clock, headroom, acquire, report };
}

describe('acquireHeadroom', () => {
  it('refuses with the numbers, the way out and the exact retry-after', async () => {
    const { acquire, report, clock } = setUp({ priority: 'batch' });
    report(30_000);
    const refusal = await acquire();
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

  it('refuses until the retry-after of a 429 by a limit whose level Groq does not report', async () => {
    const { acquire, headroom, clock } = setUp({});
    headroom.observe(MODEL, { refused: { retryAfterMs: 2_500, by: undefined } }, clock.nowEpochMs());
    expect(await acquire()).toMatchObject({
      message:
        "Groq's own limit for openai/gpt-oss-20b is reached; teams of priority normal wait until Groq takes calls again. Try again in 2.5 s.",
    });
  });

  it('stops clients from sleeping longer than a minute', async () => {
    const { acquire, headroom, clock } = setUp({});
    headroom.observe(MODEL, { requests: { perWindow: 1_000, remaining: 0 } }, clock.nowEpochMs());
    const refusal = await acquire();
    if (!('reason' in refusal)) throw new Error('a refusal was expected');
    expect(renderRefusal(refusal).headers).toMatchObject({ 'retry-after': '8640', 'x-should-retry': 'false' });
  });

  it('waits up to maxQueueMs, and passes at the exact time', async () => {
    const { acquire, report, clock } = setUp({ priority: 'batch', maxQueueMs: 2_000 });
    report(62_500 - 8_333);
    expect(await acquire()).toMatchObject({ queuedMs: 2_000 });
    expect(clock.sleptMs()).toBe(2_000);
  });

  it.each([
    ['maxQueueMs', 2_000, 60_000, 62_500 - 8_334],
    ['the time to the deadline', 2_000, 1_000, 62_500 - 8_333],
  ])('refuses at once if the wait is longer than %s', async (_title, maxQueueMs, deadlineMs, remaining) => {
    const { acquire, report, clock } = setUp({ priority: 'batch', maxQueueMs });
    report(remaining);
    expect(await acquire(deadlineMs)).toMatchObject({ reason: 'groq_headroom_low' });
    expect(clock.sleptMs()).toBe(0);
  });

  it('checks again after its wait, and never waits longer than maxQueueMs in all', async () => {
    const { acquire, report, clock } = setUp({ priority: 'batch', maxQueueMs: 2_000 });
    report(62_500 - 4_000);
    clock.at(900, async () => report(62_500 - 8_000));
    expect(await acquire()).toMatchObject({ reason: 'groq_headroom_low' });
    expect(clock.sleptMs()).toBeLessThanOrEqual(2_000);
  });

  it('counts concurrent calls', async () => {
    const { acquire, report } = setUp({ priority: 'batch', rateLimitRpm: null });
    report(62_500 + 1_000);
    const results = await Promise.all(Array.from({ length: 100 }, () => acquire()));
    const slots = results.filter((result) => 'release' in result);
    // Each may use some 300 tokens, and 1,000 are above the share that must stay free.
    expect(slots.length).toBe(4);
    expect(results.at(-1)).toMatchObject({
      message: expect.stringContaining('counting what requests in flight may use'),
    });
    for (const slot of slots) slot.release();
    expect(await acquire()).toHaveProperty('release');
  });

  it('does not count a released call until it reacquires its slot', async () => {
    const { acquire, report } = setUp({ priority: 'batch', rateLimitRpm: null });
    report(62_500 + 100);
    const first = await acquire();
    if (!('release' in first)) throw new Error('the first must pass');
    expect(await acquire()).toHaveProperty('reason');
    first.release();
    first.release();
    const second = await acquire();
    expect(second).toHaveProperty('release');
    if ('release' in second) second.release();
    first.reacquire();
    first.reacquire();
    expect(await acquire()).toHaveProperty('reason');
    first.release();
    expect(await acquire()).toHaveProperty('release');
  });
});
