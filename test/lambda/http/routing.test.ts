import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../../lambda/contract.ts';
import { matchRoute } from '../../../lambda/http/routing.ts';

describe('matchRoute', () => {
  it.each([
    ['gateway', 'POST', '/openai/v1/chat/completions', 'createChatCompletion', ''],
    ['gateway', 'GET', '/openai/v1/models/openai%2Fgpt-oss-20b', 'getModel', 'openai/gpt-oss-20b'],
    ['gateway', 'GET', '/openai/v1/models/openai/gpt-oss-20b', 'getModel', 'openai/gpt-oss-20b'],
    ['gateway', 'GET', '/openai/v1/models/%', 'getModel', '%'],
    ['gateway', 'GET', '/healthz', 'getHealth', ''],
    ['admin', 'GET', '/openai/v1/api-keys/me', 'getOwnKey', ''],
    ['admin', 'DELETE', '/openai/v1/api-keys/me', 'revokeKey', 'me'],
    ['admin', 'POST', '/openai/v1/api-keys/abc/rotate', 'rotateKey', 'abc'],
  ] as const)('finds the %s route of %s %s', (server, method, path, name, parameter) => {
    expect(matchRoute(server, method, path)).toMatchObject({ name, parameter });
  });

  it.each([
    ['gateway', 'GET', '/openai/v1/chat/completions', 'POST'],
    ['admin', 'PUT', '/openai/v1/api-keys', 'GET, POST'],
    ['admin', 'POST', '/openai/v1/api-keys/me', 'GET, DELETE'],
  ] as const)('lists the methods that the %s serves instead of %s %s', (server, method, path, allow) => {
    expect(matchRoute(server, method, path)).toMatchObject({
      refusal: { reason: 'method_not_allowed', message: `${path} answers ${allow} only.` },
      headers: { allow },
    });
  });

  it.each([
    ['gateway', '/openai/v1/api-keys'],
    ['admin', '/openai/v1/models'],
    ['gateway', '/openai/v1/chat/completions/'],
    ['gateway', '/OPENAI/v1/models'],
    ['admin', '/openai/v1/api-keys/a/b/c'],
  ] as const)('refuses a path that the %s does not serve, and lists every route: %s', (server, path) => {
    const match = matchRoute(server, 'GET', path);
    const message = 'refusal' in match ? match.refusal.message : '';
    expect(match).toMatchObject({ refusal: { reason: 'unknown_url' } });
    for (const route of Object.values(ROUTES))
      expect(message).toContain(`${route.method} ${route.path.replace('+}', '}')}`);
  });
});
