import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { UpstreamResponse } from '../../../../lambda/groq/upstream.ts';
import { chatEvent, invoke } from '../../../support/gateway/gateway-in-process.ts';
import { encodeEvent, HandlerRig } from '../../../support/gateway/handler-rig.ts';

let rig: HandlerRig;
beforeAll(async () => {
  rig = await HandlerRig.start();
});
beforeEach(() => rig.reset());
afterAll(async () => await rig.close());

const whole = (usage: unknown): UpstreamResponse => ({
  kind: 'complete',
  body: JSON.stringify({ choices: [], usage }),
  headers: { 'content-type': 'application/json' },
});
const streamed = (usage: unknown): UpstreamResponse => ({
  kind: 'stream',
  headers: { 'content-type': 'text/event-stream' },
  events: (async function* () {
    yield encodeEvent({ choices: [{ delta: { content: 'Hi' } }] });
    yield encodeEvent({ choices: [], usage });
    yield encodeEvent('[DONE]');
  })(),
});

describe('usage that no call can have had', () => {
  it.each<[string, object]>([
    ['10^15 tokens of output', { prompt_tokens: 10, completion_tokens: 1e15 }],
    ['one token of output beyond the limit that was sent', { prompt_tokens: 10, completion_tokens: 101 }],
    ['a prompt beyond the window', { prompt_tokens: 200_000, completion_tokens: 5 }],
    ['negative output', { prompt_tokens: 10, completion_tokens: -1_000 }],
    ['no prompt', { prompt_tokens: 0, completion_tokens: 5 }],
    ['a total above its parts', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 90 }],
  ])('is charged at the maximum cost and logged: %s', async (_title, usage) => {
    for (const answer of [whole, streamed]) {
      rig.reset();
      const gateway = await rig.createGateway(async () => answer(usage));
      const stream = answer === streamed;
      const options = stream ? { stream_options: { include_usage: true } } : {};
      const { status } = await invoke(gateway, chatEvent({ max_tokens: 100, stream, ...options }));
      expect(status).toBe(200);
      const after = await rig.readLedger();
      expect(after).toMatchObject({ reservedPicoUsd: 0n, overrunPicoUsd: 0n });
      expect(after?.assumedPicoUsd).toBe(after?.spentPicoUsd);
      // 100 tokens of output at $0.30 per million, and a short prompt.
      expect(after?.spentPicoUsd).toBeGreaterThanOrEqual(30_000_000n);
      expect(after?.spentPicoUsd).toBeLessThan(100_000_000n);
      expect(rig.logged.filter((line) => line.includes('usage_unreadable'))).toHaveLength(1);
    }
  });
});

it('settles usage at the output limit as it is', async () => {
  const gateway = await rig.createGateway(async () => whole({ prompt_tokens: 10, completion_tokens: 100 }));
  await invoke(gateway, chatEvent({ max_tokens: 100 }));
  expect(await rig.readLedger()).toMatchObject({ assumedPicoUsd: 0n, spentPicoUsd: 30_750_000n });
  expect(rig.logged.join()).not.toContain('usage_unreadable');
});
