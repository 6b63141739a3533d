import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../lambda/kernel/json/json-object.ts';
import { FakeUpstream, type FakeUpstreamOptions } from './fake-upstream.ts';
import type { FakeKeys } from './keys.ts';
import type { ServedCounts } from './served-counts.ts';

/** Props of a fake Groq. */
export type FakeGroqOptions = FakeUpstreamOptions & {
  /** @default 0: a free port */
  readonly port?: number;
};

/** A running fake Groq. See faults.ts and completion.ts for the markers that a message may contain. */
export type FakeGroq = {
  readonly baseUrl: string;
  served(): ServedCounts;
  /** The keys that it accepts, and their usage. */
  readonly keys: FakeKeys;
  /** The last request bodies that it received, newest last. */
  lastBodies(): readonly JsonObject[];
  close(): Promise<void>;
};

/** Starts a server on 127.0.0.1 that speaks Groq's API without a model, fails on request, and counts what it serves. */
export async function startFakeGroq(options: FakeGroqOptions): Promise<FakeGroq> {
  const fake = new FakeUpstream(options);
  const server = createServer((request, response) => {
    fake.serve(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    served: () => structuredClone(fake.served),
    keys: fake.keys,
    lastBodies: () => fake.bodies,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
