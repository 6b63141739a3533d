import { describe, expect, it } from 'vitest';
import { parseGroqError } from '../../../lambda/groq/groq-error.ts';

const parse = (error: unknown, status = 400) => parseGroqError(JSON.stringify({ error }), status);
const fieldsFrom = (error: unknown, status?: number) => parse(error, status)?.fields;

describe('the fields of an error that callers receive', () => {
  it.each<[string, object]>([
    ['null', { message: null }],
    ['empty', { message: '  ' }],
    ['absent', { type: null, message: undefined, code: 'x' }],
    ['a number', { message: 7, type: 9 }],
    ['an object', { message: { text: 'no' }, type: {} }],
    ['a list', { message: ['no'], type: [] }],
    ['true', { message: true, type: false }],
  ])('always have a message and a type as texts: %s', (_title, error) => {
    const { message, type } = fieldsFrom(error) ?? {};
    expect(message).toBe('Groq answered 400 without a message.');
    expect(type).toMatch(/^(invalid_request_error|9)$/);
  });

  it.each([
    [400, 'invalid_request_error'],
    [503, 'server_error'],
  ])('have a type by the status %s where Groq sent none', (status, type) => {
    expect(fieldsFrom({ message: 'no' }, status)).toEqual({ message: 'no', type });
  });

  it('are only the documented ones, and texts', () => {
    const documented = { message: 'no', type: 't', code: 'c', param: 'p', failed_generation: '{"a":' };
    const more = { debug: { organization: 'x' }, schema_kind: 's', status: 400, stack: 'at', headers: {} };
    expect(fieldsFrom({ ...documented, ...more })).toEqual(documented);
    expect(fieldsFrom({ message: 'no', type: 't', code: null, param: {} })).toEqual({ message: 'no', type: 't' });
    expect(fieldsFrom({ message: 'no', type: 't', code: 42 })).toEqual({ message: 'no', type: 't', code: '42' });
  });

  const KEY = 'gsk_8f3cAbCdEfGhIjKlMnOpQrStUvWxYz0123456789';
  const SECRETS = [
    KEY,
    'gsk_good',
    'org_01hqabcdefghjkmnpqrstvwxyz',
    'grk_dev_b25f344a7818_Ma3Y82Y2Q4H9saKC',
    'grk_odd',
  ];
  it.each(SECRETS)('contain no secret: %s', (secret) => {
    for (const name of ['message', 'type', 'code', 'param', 'failed_generation']) {
      const fields = fieldsFrom({ message: 'm', type: 't', [name]: `x "${secret}" y` });
      expect(fields).toHaveProperty(name);
      expect(JSON.stringify(fields)).not.toContain(secret.slice(-8));
    }
    const nested = fieldsFrom({ message: 'm', failed_generation: { deep: [{ key: secret }] } });
    expect(nested).toMatchObject({ failed_generation: { deep: [{ key: expect.stringMatching(/…$/) }] } });
  });

  it('contain no bearer token', () => {
    const { message } = fieldsFrom({ message: 'header "authorization: Bearer eyJhbGciOi.J9x_y-z=" is invalid' }) ?? {};
    expect(message).toBe('header "authorization: Bearer …" is invalid');
  });

  it('are cut by code points', () => {
    const fields = fieldsFrom({ message: '💶'.repeat(9_000), code: `${'x'.repeat(255)}💶💶` });
    expect(fields?.message).toBe(`${'💶'.repeat(4_000)}…`);
    expect(fields?.code).toBe(`${'x'.repeat(255)}💶…`);
    expect(fieldsFrom({ message: 'half \ud83d' })?.message.isWellFormed()).toBe(true);
  });

  it("explain that the model's terms must be accepted", () => {
    const error = { message: 'The model requires terms acceptance.', code: 'model_terms_required' };
    expect(fieldsFrom(error)?.message).toMatch(
      /^The model requires terms acceptance\. An administrator .*console\.groq\.com/,
    );
  });
});

describe('a spend limit at Groq', () => {
  it.each([
    { code: 'blocked_api_access' },
    { code: 'spend_limit_reached' },
    { code: 'SPEND_LIMIT_REACHED' },
    { type: 'spend_limit_reached', code: null },
  ])('is recognised: %j', (error) => {
    for (const status of [400, 401, 402, 403, 429, 500, 503])
      expect(parse({ message: 'no', ...error }, status)).toMatchObject({ isBlocked: true });
  });

  it('is not any other error', () => {
    expect(parse({ message: 'spend_limit_reached', code: 'other' })).toMatchObject({ isBlocked: false });
  });
});

it.each([
  '',
  'null',
  '[]',
  '{}',
  '<html>',
  '{"error":null}',
  '{"error":"no"}',
  '{"error":{}}',
  '{"error":[{"message":"a"}]}',
])('is none of Groq: %s', (text) => {
  expect(parseGroqError(text, 502)).toBeUndefined();
});
