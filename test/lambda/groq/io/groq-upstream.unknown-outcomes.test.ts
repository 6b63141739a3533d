import { afterEach, describe, expect, it } from 'vitest';
import { StubServers, stubUpstream } from '../../../support/groq/stub-upstream.ts';

const servers = new StubServers();
afterEach(() => servers.close());

const errorBody = (error: object) => JSON.stringify({ error });
const HTML = '<html><body>502 Bad Gateway</body></html>';

describe('an error that carries what the model wrote', () => {
  const message = 'Failed to generate JSON.';
  it.each<[string, number, string]>([
    ['beside its code', 400, errorBody({ message, code: 'json_validate_failed', failed_generation: '{"a":' })],
    ['for a tool', 400, errorBody({ message, code: 'tool_use_failed', failed_generation: '<function=x>' })],
    ['with another code', 400, errorBody({ message, code: 'new_code', failed_generation: 'text' })],
    ['empty', 400, errorBody({ message, code: 'new_code', failed_generation: '' })],
    ['as an object', 422, errorBody({ message, failed_generation: { name: 'x', arguments: {} } })],
    ['as a list', 413, errorBody({ message, failed_generation: [1] })],
    ['as false', 400, errorBody({ message, failed_generation: false })],
    ['deeper', 400, errorBody({ message, debug: { attempts: [{ failed_generation: 'text' }] } })],
    ['at the top', 400, JSON.stringify({ error: { message }, failed_generation: 'text' })],
    ['with an escaped name', 400, `{"error":{"message":"no","failed\\u005fgeneration":"text"}}`],
    ['in another case', 400, errorBody({ message, Failed_Generation: 'text' })],
    ['in a text', 400, errorBody({ message: '{"failed_generation":"text"}' })],
    ['left out', 400, errorBody({ message, code: 'json_validate_failed' })],
    ['null', 400, errorBody({ message, code: 'tool_use_failed', failed_generation: null })],
    ['with a rate limit', 429, errorBody({ message, failed_generation: 'text' })],
    ['with a failure of Groq', 500, errorBody({ message, failed_generation: 'text' })],
    ['with a busy Groq', 503, errorBody({ message, failed_generation: 'text' })],
  ])('is lost, never free: %s', async (_title, status, body) => {
    const { chat, logged } = stubUpstream(await servers.answer(status, body));
    expect(await chat()).toMatchObject({ kind: 'lost' });
    expect(logged).toMatchObject([{ event: 'groq_request_failed', status, tries: 1, cause: 'ERROR_WITH_OUTPUT' }]);
  });

  it("reaches the client as Groq's own, which repairs its call by it", async () => {
    const body = errorBody({
      message,
      type: 'invalid_request_error',
      code: 'tool_use_failed',
      failed_generation: 'f(',
    });
    const { chat } = stubUpstream(await servers.answer(400, body));
    expect(await chat()).toMatchObject({
      refusal: {
        reason: 'groq_rejected',
        upstreamStatus: 400,
        upstreamError: { message, type: 'invalid_request_error', code: 'tool_use_failed', failed_generation: 'f(' },
      },
    });
  });

  it.each([
    { message: 'no', code: 'context_length_exceeded' },
    { message: 'no', failed_generation: null },
    { message: null },
  ])('is free without it: %j', async (error) => {
    expect(await stubUpstream(await servers.answer(400, errorBody(error))).chat()).toMatchObject({ kind: 'rejected' });
  });
});

describe("an answer that is not Groq's own", () => {
  const statuses = [400, 401, 403, 408, 429, 498, 500, 502, 503, 504, 520, 524];
  const bodies = [HTML, '', 'null', '[]', '{}', '{"error":"text"}', '{"error":{}}', '{"message":"Forbidden"}', '{"err'];
  it.each(statuses)('is lost and not retried, status %s', async (status) => {
    for (const body of bodies) {
      const { chat, clock } = stubUpstream(await servers.answer(status, body));
      expect([body, await chat()]).toMatchObject([
        body,
        {
          kind: 'lost',
          refusal: { reason: 'groq_answer_lost', message: expect.stringContaining('may have been billed') },
        },
      ]);
      expect(clock.sleptMs()).toBe(0);
    }
  });

  it.each([300, 301, 302, 303, 304, 307, 308])(
    'is lost and never followed as a redirect, status %s',
    async (status) => {
      const followed: unknown[] = [];
      const target = await servers.serve((request, response) => {
        followed.push(request.headers.authorization);
        response.end('{}');
      });
      const { chat } = stubUpstream(await servers.answer(status, '', { location: `${target}/elsewhere` }));
      expect(await chat()).toMatchObject({ kind: 'lost', refusal: { reason: 'groq_answer_lost' } });
      expect(followed).toEqual([]);
    },
  );

  it.each(['', ' \n', HTML, 'null', '"text"', '[1]', '{"choices":[', '{"error":{"message":"no"}}'])(
    'is lost if its status is 200 and its body is no completion: %j',
    async (body) => {
      const { chat, logged } = stubUpstream(await servers.answer(200, body));
      expect(await chat()).toMatchObject({ kind: 'lost', refusal: { reason: 'groq_answer_lost' } });
      expect(logged).toMatchObject([{ cause: expect.stringMatching(/^ANSWER_/) }]);
    },
  );

  it.each([201, 204, 205])('is lost if its status is %s and it has no body', async (status) => {
    expect(await stubUpstream(await servers.answer(status, '')).chat()).toMatchObject({ kind: 'lost' });
  });

  it.each([400, 429, 500, 503])('is lost if the body of status %s breaks off', async (status) => {
    const url = await servers.serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.write('{"error":{"message":"no"}', () => response.destroy());
    });
    expect(await stubUpstream(url).chat()).toMatchObject({ kind: 'lost' });
  });

  it('is lost and cut off if it never ends', async () => {
    let sentBytes = 0;
    const url = await servers.serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const piece = Buffer.alloc(1024 * 1024, ' ');
      const write = () => {
        sentBytes += piece.length;
        if (!response.destroyed) response.write(piece, write);
      };
      write();
    });
    const { chat, logged } = stubUpstream(url);
    expect(await chat()).toMatchObject({ kind: 'lost' });
    expect(logged).toMatchObject([{ cause: 'ANSWER_TOO_LARGE' }]);
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024);
  });
});

describe("Groq's own error", () => {
  it.each([400, 403, 404, 409, 413, 422, 425, 500, 502, 504])('is free, status %s', async (status) => {
    const body = errorBody({ message: 'no', type: 'error' });
    expect(await stubUpstream(await servers.answer(status, body)).chat()).toMatchObject({ kind: 'rejected' });
  });

  it.each([408, 499])('is not free after the request was given up while it ran, status %s', async (status) => {
    const body = errorBody({ message: 'cancelled', type: 'error' });
    expect(await stubUpstream(await servers.answer(status, body)).chat()).toMatchObject({ kind: 'lost' });
  });
});
