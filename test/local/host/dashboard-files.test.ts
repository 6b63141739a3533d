import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboardFiles } from '../../../local/host/dashboard-files.ts';
import { type Host, startHost } from '../../../local/host/host.ts';

let host: Host;
beforeAll(async () => {
  const refuseEveryone = async () => {
    throw new Error('Unauthorized');
  };
  host = await startHost({ authorizer: refuseEveryone, gateway: refuseEveryone, files: dashboardFiles() }, 0);
});
afterAll(() => host.close());
const ask = async (path: string, init: RequestInit = {}) => await fetch(host.baseUrl + path, init);

describe('the files of the dashboard', () => {
  it.each([
    ['/dashboard', 'text/html'],
    ['/dashboard/', 'text/html'],
    ['/dashboard?key=x', 'text/html'],
    ['/dashboard/dashboard.css', 'text/css'],
    ['/dashboard/dashboard.js', 'text/javascript'],
  ])('are served without a key: %s', async (path, type) => {
    const response = await ask(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
    expect(await response.text()).not.toBe('');
  });

  it('forbid the browser to load, send, frame or cache anything else', async () => {
    for (const path of ['/dashboard', '/dashboard/dashboard.js', '/dashboard/nothing']) {
      const { headers } = await ask(path);
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
      );
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  it.each([
    '/dashboard/main.ts',
    '/dashboard/../package.json',
    '/dashboard/%2e%2e/host.ts',
    '/dashboard/tsconfig.json',
  ])('include no other file of the project: %s', async (path) => {
    expect([401, 404]).toContain((await ask(path)).status);
  });

  it('leave all other paths to the gateway, which requires a key', async () => {
    for (const path of ['/', '/dashboards', '/openai/v1/budget']) expect((await ask(path)).status).toBe(401);
  });

  it('are served to GET and HEAD only', async () => {
    const posted = await ask('/dashboard', { method: 'POST', body: 'x' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const head = await ask('/dashboard', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('insert data of the gateway as text, never as markup', async () => {
    const script = await (await ask('/dashboard/dashboard.js')).text();
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/);
    expect(script).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  });
});
