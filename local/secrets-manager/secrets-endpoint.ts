import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SecretsManagerServiceException } from '@aws-sdk/client-secrets-manager';
import type { LocalSecretsManager, SecretsRequest } from './secrets-manager.ts';

/** An HTTP endpoint of a local Secrets Manager. */
export type SecretsEndpoint = { readonly endpoint: string; close(): Promise<void> };

/**
 * Serves a Secrets Manager on a free port of 127.0.0.1. Handlers thus read Groq keys in the same way everywhere, and no key
 * is in an environment variable.
 */
export async function startSecretsEndpoint(manager: LocalSecretsManager): Promise<SecretsEndpoint> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const action = String(request.headers['x-amz-target'] ?? '').replace(/^secretsmanager\./, '');
    const { status, body } = respond(manager, action, Buffer.concat(chunks).toString());
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

function respond(manager: LocalSecretsManager, action: string, text: string): { status: number; body: object } {
  try {
    return { status: 200, body: manager.handle(action, JSON.parse(text || '{}') as SecretsRequest) };
  } catch (error) {
    const isExpected = error instanceof SecretsManagerServiceException;
    const [type, message] = isExpected ? [error.name, error.message] : ['InternalServiceError', 'An error occurred.'];
    return { status: isExpected ? 400 : 500, body: { __type: type, Message: message } };
  }
}

/** Writes dates as epoch seconds, as this protocol does. `this` has the value before JSON turns a date into text. */
function serializeDates(this: Readonly<Record<string, unknown>>, field: string, value: unknown): unknown {
  const time = this[field];
  return time instanceof Date ? time.getTime() / 1000 : value;
}
