import { afterEach, describe, expect, it } from 'vitest';
import { StubServers, stubUpstream } from '../../../support/groq/stub-upstream.ts';

const servers = new StubServers();
afterEach(() => servers.close());

const FAST = { timeouts: { firstByteMs: 100, idleMs: 100 } };
const chatAt = (url: string, timeouts = FAST.timeouts) => stubUpstream(url, 'gsk_good', { timeouts });
const silent = async () => await servers.serve(() => {});
const halting = async (type: string, text: string) =>
  await servers.serve((_request, response) => {
    response.writeHead(200, { 'content-type': type });
    response.write(text);
  });

describe('a call that Groq never answers', () => {
  it('is lost at the limit of the first byte of a stream', async () => {
    const { chat, logged } = chatAt(await silent());
    const startMs = performance.now();
    expect(await chat({ stream: true, max_completion_tokens: 60_000 })).toMatchObject({
      kind: 'lost',
      refusal: { reason: 'groq_answer_lost' },
    });
    expect(performance.now() - startMs).toBeLessThan(5_000);
    expect(logged).toMatchObject([{ event: 'groq_request_failed', cause: 'TIMEOUT_FIRST_BYTE', tries: 1 }]);
  });

  it('is lost at that limit and the time to write a whole answer', async () => {
    const { chat, logged } = chatAt(await silent());
    const startMs = performance.now();
    expect(await chat({ max_completion_tokens: 75 })).toMatchObject({ kind: 'lost' });
    expect(performance.now() - startMs).toBeGreaterThan(350);
    expect(logged).toMatchObject([{ cause: 'TIMEOUT_FIRST_BYTE' }]);
  });

  it('is lost at its deadline if that comes first', async () => {
    const { chat, logged } = chatAt(await silent(), { firstByteMs: 9_000, idleMs: 9_000 });
    expect(await chat({}, 100)).toMatchObject({ kind: 'lost' });
    expect(logged).toMatchObject([{ cause: expect.stringMatching(/^TIMEOUT/) }]);
  });

  it('is free if its connection hangs before a byte was written', async () => {
    const { chat } = chatAt(`https://${await servers.accept(() => {})}`);
    expect(await chat({ stream: true })).toMatchObject({ kind: 'rejected', refusal: { reason: 'groq_unavailable' } });
  });
});

describe('a call whose answer stops', () => {
  it('is lost at the idle limit, whole', async () => {
    const { chat, logged } = chatAt(await halting('application/json', '{"choices":['));
    expect(await chat()).toMatchObject({ kind: 'lost' });
    expect(logged).toMatchObject([{ cause: 'TIMEOUT_IDLE' }]);
  });

  it('is lost at the idle limit, in the body of an error', async () => {
    const url = await servers.serve((_request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.write('{"error":{"message":"no"}');
    });
    expect(await chatAt(url).chat()).toMatchObject({ kind: 'lost' });
  });

  it('is cut at the idle limit, streamed', async () => {
    const answer = await chatAt(await halting('text/event-stream', 'data: {}\n\ndata: {"ch')).chat({ stream: true });
    if (answer.kind !== 'stream') throw new Error('a stream was expected');
    const seen: string[] = [];
    const relay = async () => {
      for await (const event of answer.events) seen.push(Buffer.from(event).toString());
    };
    await expect(relay()).rejects.toMatchObject({ name: 'StreamCut', cause: { name: 'timeout_idle' } });
    expect(seen).toEqual(['data: {}\n\n']);
  });

  it('goes on as long as parts keep coming', async () => {
    const url = await servers.serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(`data: ${sent}\n\n`);
        if (++sent === 8) {
          clearInterval(timer);
          response.end();
        }
      }, 40);
    });
    const answer = await chatAt(url, { firstByteMs: 2_000, idleMs: 1_000 }).chat({ stream: true });
    if (answer.kind !== 'stream') throw new Error('a stream was expected');
    let events = 0;
    for await (const _event of answer.events) events++;
    expect(events).toBe(8);
  });
});
