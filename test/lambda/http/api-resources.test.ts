import { expect, it } from 'vitest';
import { ROUTES, type Route } from '../../../lambda/contract.ts';
import { ADMIN_RESOURCES, API_ROOT, isPublicPath, serverForPath } from '../../../lambda/http/api-resources.ts';

it('sends every route to the function that serves it', () => {
  for (const { path, servedBy } of Object.values<Route>(ROUTES))
    expect([path, serverForPath(path.replace(/\{\w+\+?\}/, 'abc'))]).toEqual([path, servedBy]);
});

it('sends unknown paths below a collection to its function, and all others to the gateway', () => {
  expect(ADMIN_RESOURCES).toEqual([
    { path: '/openai/v1/api-keys', hasChildren: true },
    { path: '/openai/v1/audit', hasChildren: false },
    { path: '/openai/v1/groq-keys', hasChildren: false },
  ]);
  expect(serverForPath('/openai/v1/api-keys/a/b/c')).toBe('admin');
  for (const path of ['/openai/v1/audit/x', '/openai/v1/api-keys2', '/openai/v2/audit', '/'])
    expect([path, serverForPath(path)]).toEqual([path, 'gateway']);
});

it('asks for a key on every path but that of the health check', () => {
  for (const { path, isPublic = false } of Object.values<Route>(ROUTES)) {
    expect([path, isPublicPath(path)]).toEqual([path, isPublic]);
    if (!isPublic) expect(path.startsWith(`${API_ROOT}/`)).toBe(true);
  }
  expect(isPublicPath('/healthz')).toBe(true);
  expect(isPublicPath('/healthz/x')).toBe(false);
});
