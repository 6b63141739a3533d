import type { ChatCompletionPorts } from '../../../lambda/chat/chat-completion.ts';
import { RecentOutputs } from '../../../lambda/chat/recent-outputs.ts';
import { Headroom } from '../../../lambda/groq/headroom.ts';
import type { Upstream, UpstreamResponse } from '../../../lambda/groq/upstream.ts';
import { systemClock } from '../../../lambda/kernel/io/system.ts';
import { DynamoLedger } from '../../../lambda/ledger/io/dynamo-ledger.ts';
import type { LedgerState } from '../../../lambda/ledger/reservation.ts';
import type { PolicySource } from '../../../lambda/policy/policy-source.ts';
import { ensureTable } from '../../../local/dynamodb/tables.ts';
import { catalog, policyWith } from '../catalog.ts';
import { startTestDatabase, type TestDatabase } from '../ledger/test-database.ts';
import { NO_OP_USAGE_PORTS } from './gateway-in-process.ts';

const { createGatewayHandler } = await import('../../../lambda/http/io/gateway-handler.ts');

/** Usage of a call that costs 2,250,000 pico-dollars. */
export const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

/** A complete response of the upstream. */
export const COMPLETE_RESPONSE: UpstreamResponse = {
  kind: 'complete',
  body: JSON.stringify({ choices: [], usage: USAGE }),
  headers: { 'content-type': 'application/json' },
};

/** Encodes a server-sent event. */
export function encodeEvent(data: unknown): Uint8Array {
  return new TextEncoder().encode(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
}

/** Gateway handlers of the team "chatbot" on the embedded DynamoDB, each with a ledger of its own, in front of a stub upstream. */
export class HandlerRig {
  readonly database: TestDatabase;
  /** Lines of the log since the last {@link reset}. */
  logged: string[] = [];
  /** Fields of the team's policy. */
  policy: Record<string, unknown> = {};
  #ledger: DynamoLedger | undefined;
  #tables = 0;
  #ids = 0;

  private constructor(database: TestDatabase) {
    this.database = database;
  }

  static async start(): Promise<HandlerRig> {
    return new HandlerRig(await startTestDatabase('ledger'));
  }

  reset(): void {
    this.logged = [];
    this.policy = { rateLimitTpm: 100_000 };
  }

  /** The ledger of the newest gateway. */
  get ledger(): DynamoLedger {
    if (this.#ledger === undefined) throw new Error('no gateway has been created');
    return this.#ledger;
  }

  /** Creates a gateway with an empty ledger. */
  async createGateway(
    upstream: Upstream['chat'],
    more: Partial<ChatCompletionPorts & { policies: PolicySource }> = {},
  ) {
    const table = `ledger-${this.#tables++}`;
    await ensureTable(this.database.client, table);
    const ledger = new DynamoLedger(this.database.client, table, systemClock.nowEpochMs);
    this.#ledger = ledger;
    return createGatewayHandler({
      ...NO_OP_USAGE_PORTS,
      ledger,
      upstream: { chat: upstream },
      clock: systemClock,
      log: (event, facts) => this.logged.push(JSON.stringify({ event, ...facts })),
      outputs: new RecentOutputs(),
      headroom: new Headroom(),
      newId: () => `id-${this.#ids++}`,
      policies: { policies: async () => ({ teams: new Map([['chatbot', policyWith(this.policy)]]), catalog }) },
      ...more,
    });
  }

  /** Reads the team's ledger of this month. */
  async readLedger(): Promise<LedgerState | undefined> {
    return await this.ledger.read({ team: 'chatbot', period: new Date().toISOString().slice(0, 7) });
  }

  async close(): Promise<void> {
    await this.database.close();
  }
}
