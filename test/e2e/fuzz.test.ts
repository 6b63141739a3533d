import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  fetchBudget,
  type GatewayProcess,
  roomyEnvironment,
  startGatewayProcess,
} from '../support/gateway/gateway-process.ts';

let gateway: GatewayProcess;
let key: string;
beforeAll(async () => {
  gateway = await startGatewayProcess({ environment: roomyEnvironment({ monthlyBudgetUsd: 1_000 }) });
  key = gateway.teams.roomy?.key ?? '';
});
afterAll(async () => await gateway.close());

const send = async (body: NonNullable<RequestInit['body']>, path = '/openai/v1/chat/completions', method = 'POST') => {
  const response = await fetch(gateway.baseUrl + path, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(method === 'POST' ? { body } : {}),
  });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};

/** Asserts a success, or a refusal with the standard body; never a 5xx. */
function checkAnswer(
  { status, type, text }: { status: number; type: string | null; text: string },
  what: string,
): void {
  expect(status, `${what}: ${text.slice(0, 300)}`).toBeLessThan(500);
  if (status < 400) return;
  expect(type, what).toBe('application/json');
  expect(JSON.parse(text), what).toMatchObject({
    error: { message: expect.any(String), type: expect.any(String), code: expect.any(String) },
  });
}

const arbitraryInvalidValue = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -1,
    0,
    1.5,
    1e308,
    -1e308,
    Number.MAX_SAFE_INTEGER,
    2 ** 53,
    '',
    '1',
    '\u0000',
    '\r\nx-evil: 1',
    '__proto__',
    [],
    {},
    [[]],
    [null],
  ),
  fc.jsonValue({ maxDepth: 3 }),
);
const fields = [
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'n',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'response_format',
  'temperature',
  'seed',
  'stop',
  'reasoning_effort',
  'service_tier',
  'documents',
  '__proto__',
  'constructor',
  'toString',
  'x',
];

describe('the public API', () => {
  it('answers a well-formed call with arbitrary fields, or refuses it with a standard 4xx; it never fails or hangs', async () => {
    const body = fc.array(fc.tuple(fc.constantFrom(...fields), arbitraryInvalidValue), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(body, async (changes) => {
        const text = JSON.stringify({
          model: 'openai/gpt-oss-20b',
          messages: [{ role: 'user', content: 'Hello' }],
          max_tokens: 5,
        });
        // Written by hand so that "__proto__" and repeated names reach the gateway as a client could send them.
        const extra = changes.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join('');
        const sent = `${text.slice(0, -1)}${extra}}`;
        checkAnswer(await send(sent), sent);
      }),
      { numRuns: 300 },
    );
  });

  it('answers arbitrary messages, or refuses them with a standard 4xx', async () => {
    const message = fc.record(
      {
        role: arbitraryInvalidValue,
        content: arbitraryInvalidValue,
        tool_calls: arbitraryInvalidValue,
        name: arbitraryInvalidValue,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(message, arbitraryInvalidValue), { maxLength: 3 }), async (messages) => {
        const sent = JSON.stringify({ model: 'openai/gpt-oss-20b', messages, max_tokens: 5 });
        checkAnswer(await send(sent), sent);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses an arbitrary body with a standard 4xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const answer = await send(bytes.slice());
        checkAnswer(answer, Buffer.from(bytes).toString('hex'));
        expect(answer.status).toBe(400);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses an arbitrary path and method with a standard 4xx', async () => {
    const path = fc.webPath().map((text) => (text.startsWith('/') ? text : `/${text}`));
    await fc.assert(
      fc.asyncProperty(
        path,
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
        async (suffix, method) => {
          const response = await fetch(`${gateway.baseUrl}/x${suffix}`, {
            method,
            headers: { authorization: `Bearer ${key}` },
          });
          checkAnswer(
            { status: response.status, type: response.headers.get('content-type'), text: await response.text() },
            `${method} ${suffix}`,
          );
          expect([404, 405]).toContain(response.status);
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each([
    ['a body of ten megabytes and more', () => 'x'.repeat(10 * 1024 * 1024 + 1), 413],
    ['a body of just under ten megabytes that is not JSON', () => 'x'.repeat(10 * 1024 * 1024 - 1), 400],
    ['a million open brackets', () => '['.repeat(1_000_000), 400],
    ['a million levels', () => `${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}`, 400],
    ['invalid UTF-8', () => Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]), 400],
    ['an empty body', () => '', 400],
    ['a byte order mark', () => '\uFEFF{}', 400],
    [
      'a message of nine megabytes',
      () =>
        JSON.stringify({
          model: 'openai/gpt-oss-20b',
          max_tokens: 5,
          messages: [{ role: 'user', content: 'x'.repeat(9 * 1024 * 1024) }],
        }),
      400,
    ],
  ])('survives %s', async (what, body, status) => {
    const answer = await send(body());
    checkAnswer(answer, what);
    expect(answer.status).toBe(status);
  });

  it.each([
    ['no key', undefined],
    ['an empty key', 'Bearer '],
    ['another scheme', 'Basic abc'],
    ['a well-formed key that does not exist', `Bearer grk_test_${'0'.repeat(12)}_${'A'.repeat(43)}`],
    ['a known id with a wrong secret', 'wrong secret'],
    ['a key of ten thousand characters', `Bearer ${'x'.repeat(10_000)}`],
  ])('refuses %s with the same 401 body', async (_what, header) => {
    const authorization =
      header === 'wrong secret' ? `Bearer ${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}` : header;
    const response = await fetch(`${gateway.baseUrl}/openai/v1/models`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    expect([response.status, await response.json()]).toEqual([
      401,
      {
        error: {
          message: expect.stringMatching(/^Invalid API key:/),
          type: 'invalid_request_error',
          param: null,
          code: 'invalid_api_key',
        },
      },
    ]);
  });

  it('refuses invalid HTTP with a 400 and a JSON body', async () => {
    const { port } = new URL(gateway.baseUrl);
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write('GET / HTTP/1.1\r\nx-evil\u0000: 1\r\n\r\n'),
      );
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"invalid_request"');
  });

  it('leaves no reservation behind, and never logs a key', async () => {
    expect(await fetchBudget(gateway, key)).toMatchObject({ held_usd: '0', overrun_usd: '0' });
    expect(gateway.stderr()).not.toContain(key);
  });
});
