import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { PROJECT_DIR } from '../settings.ts';

/** Serves files without a key. Returns true if it has answered the request. */
export type FileServer = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/** Path of the dashboard. */
export const DASHBOARD_PATH = '/dashboard';

const SOURCES = join(PROJECT_DIR, 'local/dashboard');

/**
 * The page may load its own script and style sheet and call its own gateway, and nothing else. Its form cannot be
 * submitted, so that a key never ends up in a URL.
 */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const FILES: Readonly<Record<string, { readonly type: string; readonly read: () => Promise<string> }>> = {
  [DASHBOARD_PATH]: { type: 'text/html', read: () => source('index.html') },
  [`${DASHBOARD_PATH}/dashboard.css`]: { type: 'text/css', read: () => source('dashboard.css') },
  [`${DASHBOARD_PATH}/dashboard.js`]: { type: 'text/javascript', read: bundle },
};

/** Creates the server of the dashboard's three files, which it reads on first use. They are public: they contain no secret. */
export function dashboardFiles(): FileServer {
  const contents = new Map<string, Promise<string>>();
  return async (request, response) => {
    const path = request.url?.split('?')[0]?.replace(/\/$/, '') ?? '';
    if (path !== DASHBOARD_PATH && !path.startsWith(`${DASHBOARD_PATH}/`)) return false;
    const file = FILES[path];
    if (file === undefined) return respond(response, request, 404, 'text/plain', 'There is no such file.\n');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return respond(response, request, 405, 'text/plain', 'This answers GET only.\n');
    const text = contents.get(path) ?? file.read();
    contents.set(path, text);
    // A failed read is not cached, so that the next request retries it.
    text.catch(() => contents.delete(path));
    return respond(response, request, 200, file.type, await text);
  };
}

function respond(response: ServerResponse, request: IncomingMessage, status: number, type: string, text: string): true {
  response
    .writeHead(status, {
      ...HEADERS,
      'content-type': `${type}; charset=utf-8`,
      'content-length': Buffer.byteLength(text),
      ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    })
    .end(request.method === 'HEAD' ? undefined : text);
  return true;
}

async function source(name: string): Promise<string> {
  return await readFile(join(SOURCES, name), 'utf8');
}

/** Bundles the page's modules, and what they share with the gateway, into one script. */
async function bundle(): Promise<string> {
  // esbuild runs a process of its own, so it is loaded on demand and stopped at once.
  const { build, stop } = await import('esbuild');
  try {
    const { outputFiles } = await build({
      entryPoints: [join(SOURCES, 'main.ts')],
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      logLevel: 'silent',
    });
    return outputFiles[0]?.text ?? '';
  } finally {
    await stop();
  }
}
