import { describe, expect, it } from 'vitest';
import { hasContent, mayCarryOutput, parseStreamEvent } from '../../../lambda/chat/chat-stream.ts';

const bytes = (data: unknown) =>
  new TextEncoder().encode(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
const text = (event: Uint8Array | undefined) => (event === undefined ? undefined : new TextDecoder().decode(event));
const usage = { prompt_tokens: 3, completion_tokens: 2 };
const annotate = () => ({ cost_usd: '0.1' });
const read = (data: unknown, includeUsage = false) => parseStreamEvent(bytes(data), includeUsage, annotate);

describe('parseStreamEvent', () => {
  it.each([
    { choices: [{ delta: { content: 'hi' } }] },
    '[DONE]',
    { choices: [{ delta: { content: 'say "usage" and "error"' } }] },
    'not json "usage"',
    { choices: [], usage: null },
  ])('forwards an event without usage or error unchanged: %j', (data) => {
    expect(read(data)).toEqual({ forward: bytes(data), usage: undefined, failed: false });
  });

  it.each([
    [true, { delta: { content: 'hi' } }],
    [true, { delta: { reasoning: 'hm' } }],
    [true, { delta: { tool_calls: [{ function: { name: 'look', arguments: '' } }] } }],
    [false, { delta: { role: 'assistant', content: '' } }],
    [false, { delta: {}, finish_reason: 'stop' }],
  ])('recognizes output of the model: %j for %j', (expected, choice) => {
    expect(hasContent(bytes({ id: 'c', choices: [{ index: 0, ...choice }] }))).toBe(expected);
  });

  it('reads the usage in x_groq and forwards the event unchanged', () => {
    const data = { choices: [{ delta: {}, finish_reason: 'stop' }], x_groq: { id: 'r', usage } };
    expect(read(data)).toMatchObject({ forward: bytes(data), usage: { promptTokens: 3, completionTokens: 2 } });
  });

  it('hides the extra usage chunk from a client that did not request it', () => {
    expect(read({ choices: [], usage })).toMatchObject({ forward: undefined, usage: { promptTokens: 3 } });
  });

  it('removes only the usage from a chunk that also has a choice', () => {
    expect(text(read({ choices: [{ delta: {} }], usage, x_groq: { usage } }).forward)).toBe(
      text(bytes({ choices: [{ delta: {} }], x_groq: { usage } })),
    );
  });

  it('adds the cost to the usage chunk of a client that requested it', () => {
    expect(text(read({ choices: [], usage }, true).forward)).toBe(
      text(bytes({ choices: [], usage, x_gateway: { cost_usd: '0.1' } })),
    );
  });

  it('rewrites a usage chunk digit for digit', () => {
    const chunk =
      '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_time":0.10,"id":9007199254740993}';
    expect(text(read(`${chunk}}`, true).forward)).toBe(`data: ${chunk},"x_gateway":{"cost_usd":"0.1"}}\n\n`);
  });

  it('takes the dearest of several usages, figure by figure', () => {
    const other = { prompt_tokens: 1, completion_tokens: 9 };
    expect(read({ choices: [], usage, x_groq: { usage: other } })).toMatchObject({
      usage: { promptTokens: 3, completionTokens: 9 },
    });
  });

  it('never bills by the counts of cache tokens in x_groq', () => {
    const data = { choices: [], x_groq: { usage: { dram_cached_tokens: 7, sram_cached_tokens: 8 } } };
    expect(read(data)).toMatchObject({ forward: bytes(data), usage: undefined });
  });

  it.each(['\r', '\n', '\r\n'])('reads an event whose lines end with %j', (end) => {
    const data = [': note', 'event: x', 'data: {"choices":[],', `data: "usage":${JSON.stringify(usage)}}`, '', ''].join(
      end,
    );
    const event = new TextEncoder().encode(`\ufeff${data}`);
    expect(parseStreamEvent(event, false, annotate)).toMatchObject({ forward: undefined, usage: { promptTokens: 3 } });
  });

  it('reads names that are written with escapes', () => {
    expect(read('{"choices":[],"\\u0075sage":{"prompt_tokens":3,"completion_tokens":2}}')).toMatchObject({
      usage: { promptTokens: 3 },
    });
    expect(read('{"\\u0065rror":{"message":"no"}}')).toMatchObject({ failed: true });
  });

  it.each<[unknown, object]>([
    [{ error: { message: 'broken' } }, { message: 'broken', type: 'server_error', code: 'groq_stream_failed' }],
    [
      { error: { message: 'at org_01abcdef', type: 't', code: 'c', debug: 'gsk_secret' } },
      { message: 'at org_…', code: 'c' },
    ],
    [{ error: 'key gsk_secret' }, { message: 'key gsk_…', type: 'server_error' }],
    [{ error: { message: null } }, { message: expect.stringContaining('without a message'), type: 'server_error' }],
    [{ error: {} }, { message: expect.stringContaining('without a message') }],
    [{ choices: [], x_groq: { error: 'over capacity in org_01abcdef' } }, { message: 'over capacity in org_…' }],
  ])('ends at a failure, and forwards only texts without secrets: %j', (data, error) => {
    const { forward, ...rest } = read(data);
    expect(rest).toEqual({ usage: undefined, failed: true });
    expect(JSON.parse((text(forward) ?? '').slice(6))).toMatchObject({ error });
    expect(text(forward)).not.toMatch(/gsk_secret|org_01|debug/);
  });

  it.each([{ error: null }, { x_groq: { error: '' } }, { x_groq: { error: null } }])(
    'takes %j for no failure',
    (data) => {
      expect(read({ choices: [], ...data }).failed).toBe(false);
    },
  );
});

describe('mayCarryOutput', () => {
  it.each([
    [false, '[DONE]'],
    [false, { choices: [] }],
    [false, { choices: [{ delta: {}, finish_reason: 'stop' }] }],
    [false, { choices: [{ delta: { role: 'assistant', content: '' } }] }],
    [false, { choices: [], usage }],
    [true, { choices: [{ delta: { content: 'x' } }] }],
    [true, { choices: [{ delta: { content: [{ type: 'text', text: 'x' }] } }] }],
    [true, { choices: [{ delta: { reasoning: 'x' } }] }],
    [true, { choices: [{ delta: { new_field: 'x' } }] }],
    [true, { choices: [{ delta: { tool_calls: [{ index: 0 }] } }] }],
    [true, { choices: [{ text: 'x' }] }],
    [true, 'not json'],
  ])('is %s for %j', (expected, data) => {
    expect(mayCarryOutput(bytes(data))).toBe(expected);
  });

  it('is false for comments and blank lines', () => {
    for (const event of [': keep-alive\n\n', '\n', 'event: ping\n\n'])
      expect(mayCarryOutput(new TextEncoder().encode(event))).toBe(false);
  });
});
