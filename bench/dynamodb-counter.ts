import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** DynamoDB traffic: calls by operation, and bytes in both directions. */
export type DynamodbCounts = { calls: Record<string, number>; sentBytes: number; receivedBytes: number };

/** Starts a proxy in front of a DynamoDB that counts its traffic. */
export async function startDynamodbCounter(
  endpoint: string,
): Promise<{ endpoint: string; take(): DynamodbCounts; close(): void }> {
  let counts: DynamodbCounts = { calls: {}, sentBytes: 0, receivedBytes: 0 };
  const server = createServer((incoming, outgoing) => {
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? '';
    counts.calls[operation] = (counts.calls[operation] ?? 0) + 1;
    const forwarded = request(
      endpoint,
      { method: incoming.method, headers: incoming.headers, path: incoming.url },
      (response) => {
        outgoing.writeHead(response.statusCode ?? 500, response.headers);
        response.on('data', (chunk: Buffer) => {
          counts.receivedBytes += chunk.length;
        });
        response.pipe(outgoing);
      },
    );
    incoming.on('data', (chunk: Buffer) => {
      counts.sentBytes += chunk.length;
    });
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = counts;
      counts = { calls: {}, sentBytes: 0, receivedBytes: 0 };
      return taken;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
