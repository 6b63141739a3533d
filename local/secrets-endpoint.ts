import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A Secrets Manager on loopback. */
export type SecretsEndpoint = { readonly endpoint: string; close(): Promise<void> };

/**
 * Answers Secrets Manager's `GetSecretValue` on a free port of 127.0.0.1, so that the handlers read Groq keys the same
 * way everywhere and no key has to be in an environment variable of theirs. `secretOf` gives the secret's text by name.
 */
export async function startSecretsEndpoint(secretOf: (name: string) => string | undefined): Promise<SecretsEndpoint> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { SecretId } = JSON.parse(Buffer.concat(chunks).toString() || '{}') as { SecretId?: string };
    const secret =
      request.headers['x-amz-target'] === 'secretsmanager.GetSecretValue' ? secretOf(SecretId ?? '') : undefined;
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.statusCode = secret === undefined ? 400 : 200;
    response.end(
      JSON.stringify(
        secret === undefined
          ? { __type: 'ResourceNotFoundException', Message: 'There is no such secret.' }
          : { Name: SecretId, SecretString: secret, VersionId: 'local', VersionStages: ['AWSCURRENT'] },
      ),
    );
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
