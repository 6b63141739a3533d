import { describe, expect, it } from 'vitest';
import { mintKey } from '../../lambda/access/io/gateway-key.ts';
import { postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';

const target = requireDeployed();
const keyFor = (team: string) => target.teams[team]?.key ?? '';
const unknownKey = mintKey(target.environmentName).key;

async function call(method: string, path: string, key?: string, body?: string) {
  const response = await fetch(`${target.baseUrl}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe('the deployed API', () => {
  it('reports its health without a key', async () => {
    expect(await call('GET', '/healthz')).toMatchObject({ status: 200, text: '{"status":"ok"}' });
  });

  it.each<[string, string, string, string | undefined, string | undefined, number, string]>([
    ['no key', 'GET', '/openai/v1/models', undefined, undefined, 401, 'invalid_api_key'],
    ['an unknown key', 'GET', '/openai/v1/models', unknownKey, undefined, 401, 'invalid_api_key'],
    ['a malformed key', 'GET', '/openai/v1/models', 'x', undefined, 401, 'invalid_api_key'],
    ['a path outside the API', 'GET', '/v1/chat/completions', keyFor('roomy'), undefined, 404, 'unknown_url'],
    ['an unknown path of the API', 'GET', '/openai/v1/files', keyFor('roomy'), undefined, 404, 'unknown_url'],
    ['a wrong method', 'DELETE', '/openai/v1/models', keyFor('roomy'), undefined, 405, 'method_not_allowed'],
    ['invalid JSON', 'POST', '/openai/v1/chat/completions', keyFor('roomy'), '{', 400, 'invalid_request'],
    [
      'a body of 11 MB',
      'POST',
      '/openai/v1/chat/completions',
      keyFor('roomy'),
      'x'.repeat(11e6),
      413,
      'request_too_large',
    ],
  ])('refuses %s in the standard body, with a request id', async (_what, method, path, key, body, status, code) => {
    const answer = await call(method, path, key, body);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/json']);
    expect(JSON.parse(answer.text)).toEqual({
      error: { message: expect.any(String), type: expect.any(String), param: null, code },
    });
    expect(answer.headers.get('x-request-id')).toMatch(/\S/);
    expect(answer.headers.get('x-should-retry')).toBe('false');
  });

  it.each<[string, string, object, number, string]>([
    ["another team's model", 'changing', { model: 'openai/gpt-oss-120b' }, 403, 'model_not_allowed'],
    ['a model that cannot be priced', 'roomy', { model: 'groq/compound' }, 403, 'model_not_priced'],
    ['more output than allowed', 'roomy', { max_tokens: 5_000 }, 400, 'max_tokens_exceeded'],
    ['no budget', 'broke', {}, 402, 'team_budget_exceeded'],
    ['a built-in tool', 'roomy', { tools: [{ type: 'browser_search' }] }, 400, 'tool_not_priced'],
  ])('refuses %s', async (_what, team, body, status, code) => {
    const answer = await postChat(target, keyFor(team), body);
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([status, code]);
  });

  it('shows a team its budget, an administrator every team, and nobody the canary', async () => {
    const own = await call('GET', '/openai/v1/budget', keyFor('changing'));
    expect(JSON.parse(own.text)).toMatchObject({ team: 'changing', limit_usd: '10' });
    const all = JSON.parse((await call('GET', '/openai/v1/budget', target.adminKey)).text);
    expect(all.organization).toMatchObject({ limit_usd: '500' });
    expect(all.data.map(({ team }: { team: string }) => team).sort()).toEqual(Object.keys(target.teams).sort());
  });

  it('streams a response in pieces', async () => {
    const response = await fetch(`${target.baseUrl}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keyFor('roomy')}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'openai/gpt-oss-20b',
        stream: true,
        messages: [{ role: 'user', content: '[tokens:200]' }],
      }),
    });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    let [pieces, text] = [0, ''];
    for await (const piece of response.body ?? []) {
      pieces++;
      text += Buffer.from(piece).toString();
    }
    expect(pieces).toBeGreaterThan(3);
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
  });
});
