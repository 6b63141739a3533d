import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SecretsManagerServiceException } from '@aws-sdk/client-secrets-manager';
import type { LocalSecretsManager, SecretsRequest } from './secrets-manager.ts';

/** A Secrets Manager on loopback. */
export type SecretsEndpoint = { readonly endpoint: string; close(): Promise<void> };

/**
 * Serves a Secrets Manager on a free port of 127.0.0.1, so that the handlers read Groq keys the same way everywhere and no
 * key has to be in an environment variable of theirs.
 */
export async function startSecretsEndpoint(manager: LocalSecretsManager): Promise<SecretsEndpoint> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const action = String(request.headers['x-amz-target'] ?? '').replace(/^secretsmanager\./, '');
    const { status, body } = answer(manager, action, Buffer.concat(chunks).toString());
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      .end(JSON.stringify(body, serializeDates));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { endpoint: `http://127.0.0.1:${port}`, close };
}

function answer(manager: LocalSecretsManager, action: string, text: string): { status: number; body: object } {
  try {
    return { status: 200, body: manager.handle(action, JSON.parse(text || '{}') as SecretsRequest) };
  } catch (error) {
    const isTheirs = error instanceof SecretsManagerServiceException;
    const [type, message] = isTheirs ? [error.name, error.message] : ['InternalServiceError', 'An error occurred.'];
    return { status: isTheirs ? 400 : 500, body: { __type: type, Message: message } };
  }
}

/** Times are seconds since 1970 in this protocol; `this` holds them before JSON makes texts of them. */
function serializeDates(this: Readonly<Record<string, unknown>>, field: string, value: unknown): unknown {
  const time = this[field];
  return time instanceof Date ? time.getTime() / 1000 : value;
}
