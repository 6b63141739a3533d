import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StreamCut } from '../../../lambda/groq/upstream.ts';
import { chatEvent, invoke } from '../../support/gateway/gateway-in-process.ts';
import { HandlerRig } from '../../support/gateway/handler-rig.ts';

let rig: HandlerRig;
beforeAll(async () => {
  rig = await HandlerRig.start();
});
beforeEach(() => rig.reset());
afterAll(async () => await rig.close());

const event = (data: unknown) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
const content = event({ choices: [{ delta: { content: 'Hi' } }] });
const finish = event({ choices: [{ delta: {}, finish_reason: 'stop' }] });
const usage = (prompt_tokens: number, completion_tokens: number) =>
  event({ choices: [], usage: { prompt_tokens, completion_tokens } });
const DONE = event('[DONE]');
const RESET = 'reset';

/** Relays these events, and then a reset where the last one says so; returns what the client got and the ledger paid. */
async function relay(...events: string[]) {
  async function* send() {
    for (const text of events) {
      if (text.startsWith(RESET)) throw new StreamCut(Buffer.from(text.slice(RESET.length)), new Error('closed'));
      yield Buffer.from(text);
    }
  }
  const gateway = await rig.createGateway(async () => ({
    kind: 'stream',
    headers: { 'content-type': 'text/event-stream' },
    events: send(),
  }));
  const { text } = await invoke(gateway, chatEvent({ stream: true, max_tokens: 100 }));
  const ledger = await rig.readLedger();
  const cause = /"event":"stream_interrupted".*?"error":"(\w+)"/.exec(rig.logged.join())?.[1];
  return { text, isCut: text.includes('groq_stream_cut'), isAssumed: ledger?.assumedPicoUsd !== 0n, ledger, cause };
}

describe('a stream that ends without saying so', () => {
  it.each([
    ['after content', [content]],
    ['after its finish reason', [content, finish]],
    ['at once', []],
    ['after a comment', [': keep-alive\n\n']],
    ['after a usage that content follows', [usage(1, 1), content]],
    ['after an unreadable usage', [content, event({ choices: [], usage: { prompt_tokens: -1 } })]],
    ['after cache counts', [content, event({ choices: [], x_groq: { usage: { dram_cached_tokens: 5 } } })]],
  ])('is an error to the client, logged, and charged at the maximum: %s', async (_title, events) => {
    expect(await relay(...events)).toMatchObject({ isCut: true, isAssumed: true, cause: 'ended_early' });
  });

  it.each([
    ['[DONE]', [content, finish, DONE], true],
    ['[DONE] with CR', [content, 'data: [DONE]\r\r'], true],
    ['[DONE] without a blank line', [content, 'data: [DONE]'], true],
    ['its usage', [content, finish, usage(3, 2)], false],
    ['its usage and [DONE]', [content, usage(3, 2), DONE], false],
  ])('is whole if it ended with %s', async (_title, events, isAssumed) => {
    expect(await relay(...events)).toMatchObject({ isCut: false, isAssumed, cause: undefined });
  });
});

describe('the usage of a stream', () => {
  it.each<[string, string[]]>([
    ['reported twice', [content, usage(3, 2), usage(1, 1), DONE]],
    ['with another before the content', [usage(1, 1), content, usage(3, 2), DONE]],
    ['with a chunk of no output after it', [content, usage(3, 2), finish, ': note\n\n', DONE]],
    ['with lines that end with CR', [content, usage(3, 2).replaceAll('\n', '\r'), DONE]],
    ['before a broken socket', [content, finish, usage(3, 2), RESET]],
    ['before a broken socket in the next line', [content, finish, usage(3, 2), `${RESET}data: [DO`]],
    ['before [DONE] and a broken socket', [content, usage(3, 2), DONE, RESET]],
  ])('counts: %s', async (_title, events) => {
    const { ledger, isAssumed } = await relay(...events);
    // $0.075 and $0.30 for a million tokens.
    expect([isAssumed, ledger?.spentPicoUsd]).toEqual([false, 3n * 75_000n + 2n * 300_000n]);
  });

  it.each<[string, string[]]>([
    ['content follows', [usage(3, 2), content, DONE]],
    ['an unreadable chunk follows', [content, usage(3, 2), event('{"choi'), DONE]],
    ['content follows before a broken socket', [usage(3, 2), content, RESET]],
    ['content was about to follow', [usage(3, 2), `${RESET}data: {"choices":[{"delta":{"content":"Hi`]],
    ['the stream fails', [content, usage(3, 2), event({ error: { message: 'broken' } })]],
    ['Groq stops the stream', [content, usage(3, 2), event({ choices: [], x_groq: { error: 'over capacity' } })]],
  ])('is none if %s', async (_title, events) => {
    expect(await relay(...events)).toMatchObject({ isAssumed: true });
  });
});

it('is an error to the client when the socket breaks, but not after [DONE]', async () => {
  expect(await relay(content, usage(3, 2), RESET)).toMatchObject({ isCut: true, cause: 'Error' });
  rig.reset();
  expect(await relay(content, usage(3, 2), DONE, RESET)).toMatchObject({ isCut: false, cause: undefined });
});

it('ends at a failure, which is logged', async () => {
  const { text, cause } = await relay(content, event({ error: { message: 'broken' } }), content, DONE);
  expect([text.match(/Hi/g)?.length, text.includes('broken'), text.includes('[DONE]'), cause]).toEqual([
    1,
    true,
    false,
    'groq_error',
  ]);
});
