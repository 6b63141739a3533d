import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What came to an address: by its path, the bodies in their order. */
export type Subscriber = {
  readonly url: (path: string) => string;
  readonly bodies: (path: string) => readonly string[];
  close(): Promise<void>;
};

/** Listens on loopback for what webhooks and topics deliver, and confirms a topic's subscription. */
export async function startSubscriber(): Promise<Subscriber> {
  const received = new Map<string, string[]>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.end('ok');
    if (request.headers['x-amz-sns-message-type'] === 'SubscriptionConfirmation') {
      const { TopicArn, Token } = JSON.parse(body) as { TopicArn: string; Token: string };
      const words = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn, Token });
      await fetch(`${process.env.AWS_ENDPOINT_URL}/?${words}`);
      return;
    }
    const path = request.url ?? '';
    received.set(path, [...(received.get(path) ?? []), body]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: (path) => base + path,
    bodies: (path) => received.get(path) ?? [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
