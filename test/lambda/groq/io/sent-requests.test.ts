import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { trackSending } from '../../../../lambda/groq/io/sent-requests.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function wasSentTo(url: string, headers: Record<string, string> = {}): Promise<boolean> {
  const signal = AbortSignal.timeout(500);
  const { result, wasSent } = trackSending(
    async () => await fetch(url, { method: 'POST', body: '{}', headers, signal }),
  );
  await result.then(
    (response) => response.body?.cancel(),
    () => undefined,
  );
  return wasSent();
}

const closing = () => createServer((socket) => socket.once('data', () => socket.destroy()));

it('knows a request that was answered as sent', async () => {
  expect(await wasSentTo(`http://${await listen(createHttpServer((_request, response) => response.end()))}`)).toBe(
    true,
  );
});

it('knows a request whose connection broke before an answer as sent', async () => {
  expect(await wasSentTo(`http://${await listen(closing())}`)).toBe(true);
});

it('knows a request that was never answered as sent', async () => {
  expect(await wasSentTo(`http://${await listen(createServer(() => {}))}`)).toBe(true);
});

it.each<[string, () => Promise<string>]>([
  ['nothing listens', async () => 'http://127.0.0.1:9'],
  ['the name is unknown', async () => 'http://gateway.invalid'],
  ['the TLS handshake is cut off', async () => `https://${await listen(closing())}`],
  ['the TLS handshake hangs', async () => `https://${await listen(createServer(() => {}))}`],
])('knows a request as not sent where %s', async (_what, address) => {
  expect(await wasSentTo(await address())).toBe(false);
});

it('knows a request with a header that cannot be written as not sent', async () => {
  const server = createHttpServer((_request, response) => response.end());
  expect(await wasSentTo(`http://${await listen(server)}`, { authorization: 'Bearer a\nb' })).toBe(false);
});

it('keeps requests that run at the same time apart', async () => {
  const [good, bad] = [
    await listen(createHttpServer((_request, response) => response.end())),
    await listen(createServer(() => {})),
  ];
  expect(await Promise.all([wasSentTo(`http://${good}`), wasSentTo(`https://${bad}`)])).toEqual([true, false]);
});
