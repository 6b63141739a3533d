import { describe, expect, it } from 'vitest';
import { hasContent, parseStreamEvent } from '../../../lambda/chat/chat-stream.ts';

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

  it('reports a failure in the middle of a stream and forwards it', () => {
    const data = { error: { message: 'broken' } };
    expect(read(data)).toEqual({ forward: bytes(data), usage: undefined, failed: true });
  });
});
