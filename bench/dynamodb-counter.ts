import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What passed to DynamoDB: calls by operation, and bytes both ways. */
export type DynamodbCounts = { calls: Record<string, number>; sentBytes: number; receivedBytes: number };

/** Stands before a DynamoDB and counts what passes. */
export async function startDynamodbCounter(
  endpoint: string,
): Promise<{ endpoint: string; take(): DynamodbCounts; close(): void }> {
  let counts: DynamodbCounts = { calls: {}, sentBytes: 0, receivedBytes: 0 };
  const server = createServer((incoming, outgoing) => {
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? '';
    counts.calls[operation] = (counts.calls[operation] ?? 0) + 1;
    const passed = request(
      endpoint,
      { method: incoming.method, headers: incoming.headers, path: incoming.url },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.on('data', (chunk: Buffer) => {
          counts.receivedBytes += chunk.length;
        });
        answer.pipe(outgoing);
      },
    );
    incoming.on('data', (chunk: Buffer) => {
      counts.sentBytes += chunk.length;
    });
    incoming.pipe(passed);
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
