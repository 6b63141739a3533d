import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { GroqClientOptions } from '../../../lambda/groq/io/groq-client.ts';
import { GroqKeys } from '../../../lambda/groq/io/groq-keys.ts';
import { GroqUpstream } from '../../../lambda/groq/io/groq-upstream.ts';
import { fakeClock } from '../fake-clock.ts';

/** Servers in place of Groq, which answer each request alike; closed together. */
export class StubServers {
  readonly #close: (() => void)[] = [];

  /** Starts an HTTP server and returns its address. */
  async serve(listener: RequestListener): Promise<string> {
    const server = createServer((request, response) => {
      request.resume();
      listener(request, response);
    });
    this.#close.push(() => server.closeAllConnections());
    return `http://${await this.#listen(server)}`;
  }

  /** Starts a server that answers everything with a status, a body and headers. */
  async answer(status: number, body: string, headers: Record<string, string> = {}): Promise<string> {
    return await this.serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    });
  }

  /** Starts a TCP server and returns its host and port. */
  async accept(onConnection: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      onConnection(socket);
    });
    this.#close.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    return await this.#listen(server);
  }

  close(): void {
    for (const close of this.#close.splice(0)) close();
  }

  async #listen(server: Server): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#close.push(() => server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
}

/** A gateway's upstream at an address, with one key for every team. */
export function stubUpstream(baseUrl: string, apiKey = 'gsk_good', more: Partial<GroqClientOptions> = {}) {
  const clock = fakeClock();
  const logged: (Record<string, unknown> & { event: string })[] = [];
  const log = (event: string, facts: object) => logged.push({ event, ...facts });
  const send = async (_command: GetSecretValueCommand) => ({ SecretString: JSON.stringify({ apiKey }) });
  const client = { send } as unknown as SecretsManagerClient;
  const keys = new GroqKeys(client, 'test', clock.nowEpochMs, log);
  const limits = { observe: () => {} };
  const upstream = new GroqUpstream({ baseUrl, keys, clock, log, limits, ...more });
  const chat = async (body: object = {}, deadlineMs = 60_000) =>
    await upstream.chat({
      team: 'chatbot',
      body: { model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'private words' }], ...body },
      deadlineEpochMs: clock.nowEpochMs() + deadlineMs,
      canary: { canaryPercent: 10, canaryMinutes: 10 },
    });
  return { chat, clock, logged };
}
