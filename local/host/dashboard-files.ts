import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { PROJECT_DIR } from '../settings.ts';

/** Answers what is asked for without a key, if it is a file of its own; says whether it was. */
export type FileServer = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/** Where the page is. */
export const DASHBOARD_PATH = '/dashboard';

const SOURCES = join(PROJECT_DIR, 'local/dashboard');

/**
 * The page may load its own script and style sheet and ask its own gateway, and nothing else; its form goes nowhere, so
 * that a key can never end in an address.
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

/** Serves the page: its three files, read when they are first asked for. They hold no secret, so they ask for no key. */
export function dashboardFiles(): FileServer {
  const read = new Map<string, Promise<string>>();
  return async (request, response) => {
    const path = request.url?.split('?')[0]?.replace(/\/$/, '') ?? '';
    if (path !== DASHBOARD_PATH && !path.startsWith(`${DASHBOARD_PATH}/`)) return false;
    const file = FILES[path];
    if (file === undefined) return end(response, request, 404, 'text/plain', 'There is no such file.\n');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return end(response, request, 405, 'text/plain', 'This answers GET only.\n');
    const text = read.get(path) ?? file.read();
    read.set(path, text);
    // What cannot be read now may be there the next time.
    text.catch(() => read.delete(path));
    return end(response, request, 200, file.type, await text);
  };
}

function end(response: ServerResponse, request: IncomingMessage, status: number, type: string, text: string): true {
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

/** One script of the page's modules and what they share with the gateway: by esbuild, as the functions are bundled. */
async function bundle(): Promise<string> {
  // Loaded only when somebody looks at the page, and ended at once: it is a process of its own.
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
