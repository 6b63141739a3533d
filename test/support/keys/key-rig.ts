import { randomUUID } from 'node:crypto';
import type { APIGatewayAuthorizerResult, APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { DynamoKeyStore } from '../../../lambda/access/io/dynamo-key-store.ts';
import { mintKey } from '../../../lambda/access/io/gateway-key.ts';
import type { KeyRecord } from '../../../lambda/access/key-record.ts';
import { RecentOutputs } from '../../../lambda/chat/recent-outputs.ts';
import { CACHE_MS } from '../../../lambda/contract.ts';
import { publishPolicies } from '../../../lambda/deployment/publish.ts';
import { createAdminPorts } from '../../../lambda/functions/admin-ports.ts';
import { Headroom } from '../../../lambda/groq/headroom.ts';
import { DynamoGroqKeyRepository } from '../../../lambda/groq-keys/io/groq-key-repository.ts';
import { serverForPath } from '../../../lambda/http/api-resources.ts';
import { createAdminHandler } from '../../../lambda/http/io/admin-handler.ts';
import { createAuthorizer } from '../../../lambda/http/io/authorizer.ts';
import { systemClock } from '../../../lambda/kernel/io/system.ts';
import { DynamoBudgets } from '../../../lambda/ledger/io/dynamo-budgets.ts';
import { DynamoLedger } from '../../../lambda/ledger/io/dynamo-ledger.ts';
import { parseEnvironment } from '../../../lambda/policy/environment.ts';
import { DynamoAuditLog } from '../../../lambda/policy/io/dynamo-audit-log.ts';
import { Registry } from '../../../lambda/policy/io/registry.ts';
import { DynamoUsage } from '../../../lambda/usage/io/dynamo-usage.ts';
import { ensureTable } from '../../../local/dynamodb/tables.ts';
import { lambdaContext } from '../../../local/host/lambda-runtime.ts';
import { catalog, catalogContent } from '../catalog.ts';
import { invoke, NO_OP_USAGE_PORTS } from '../gateway/gateway-in-process.ts';
import { START_MS } from '../ledger/ledger-fixtures.ts';
import type { TestDatabase } from '../ledger/test-database.ts';

const { createGatewayHandler } = await import('../../../lambda/http/io/gateway-handler.ts');

/** The models: both teams may use the first, only `ant` the second. */
export const MODELS = ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'] as const;
const ROOMY = { monthlyBudgetUsd: 100, rateLimitRpm: 1_000, rateLimitTpm: 1_000_000, maxConcurrent: 200 };
const TEAMS = { ant: { ...ROOMY, allowedModels: [...MODELS] }, bee: { ...ROOMY, allowedModels: [MODELS[0]] } };

/** The response to a request. */
export type ApiResponse = { readonly status: number; readonly headers: Record<string, unknown>; readonly text: string };

/** The deployed handlers on the embedded DynamoDB, behind an authorizer cache of one minute like API Gateway's. */
export class KeyTestRig {
  nowEpochMs = START_MS;
  /** The number of calls that reached the upstream. */
  calls = 0;
  /** The lines of the log. */
  readonly logged: string[] = [];
  readonly keys: DynamoKeyStore;
  readonly groqKeys: DynamoGroqKeyRepository;
  readonly usage: DynamoUsage;
  readonly #authorizations = new Map<string, { context: object; untilMs: number }>();
  readonly #authorizer;
  readonly #admin;
  readonly #gateway;

  private constructor(database: TestDatabase, table: string) {
    const now = () => this.nowEpochMs;
    this.keys = new DynamoKeyStore(database.client, table, now);
    this.groqKeys = new DynamoGroqKeyRepository(database.client, table);
    this.usage = new DynamoUsage(database.client, table, now);
    const log = (event: string, facts: object) => this.logged.push(JSON.stringify({ event, ...facts }));
    const tables = { environmentName: 'test', ledgerTable: table, registryTable: table, usageTable: table };
    const write = (line: string) => this.logged.push(line);
    this.#authorizer = createAuthorizer({ keys: this.keys, environmentName: 'test', nowEpochMs: now, write });
    this.#admin = createAdminHandler({ loadPorts: createAdminPorts(database.client, tables, now), log });
    const { teams } = parseEnvironment('test', { teams: TEAMS }, catalog);
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const chat = async () => {
      this.calls++;
      return { kind: 'complete' as const, body: JSON.stringify({ model: MODELS[0], choices: [], usage }), headers: {} };
    };
    this.#gateway = createGatewayHandler({
      policies: { policies: async () => ({ teams, catalog }) },
      ledger: new DynamoLedger(database.client, table, now),
      upstream: { chat },
      clock: { ...systemClock, nowEpochMs: now },
      newId: randomUUID,
      log,
      outputs: new RecentOutputs(),
      headroom: new Headroom(),
      usage: { listRows: async () => [] },
      keyNames: this.keys,
      recorder: NO_OP_USAGE_PORTS.recorder,
    });
  }

  /** Starts a rig with published policies, on a new table. */
  static async start(database: TestDatabase): Promise<KeyTestRig> {
    const table = `keys-${randomUUID()}`;
    await ensureTable(database.client, table);
    const rig = new KeyTestRig(database, table);
    const now = () => rig.nowEpochMs;
    const ports = {
      policies: new Registry(database.client, table, now),
      ledger: new DynamoBudgets(database.client, table, now),
      audit: new DynamoAuditLog(database.client, table),
      nowEpochMs: START_MS,
    };
    await publishPolicies(ports, {
      environment: { teams: TEAMS },
      catalog: catalogContent(),
      infrastructure: {},
      infrastructureBefore: undefined,
      actor: 'the test',
      requestId: randomUUID(),
    });
    return rig;
  }

  /** Stores a key as an operator does. */
  async key(role: KeyRecord['role'], team?: string, more: Partial<KeyRecord> = {}) {
    const { key, keyId } = mintKey('test');
    const record = { keyId, role, name: `${team ?? 'organization'}-test-${role}`, createdAtEpochMs: this.nowEpochMs };
    await this.keys.put(key, { ...record, ...(team === undefined ? {} : { team }), ...more });
    return { key, keyId };
  }

  /** Sends a client's request through the authorizer cache. */
  async send(key: string, method: string, path: string, body?: unknown, headers: object = {}): Promise<ApiResponse> {
    const context = await this.#authorized(key);
    if (context === undefined) return { status: 401, headers: {}, text: '' };
    const [pathOnly = '', query = ''] = path.split('?');
    const parameters = [...new URLSearchParams(query)].map(([name, value]) => [name, [value]]);
    const event = {
      httpMethod: method,
      path: pathOnly,
      headers: { Authorization: `Bearer ${key}`, ...headers },
      multiValueQueryStringParameters: Object.fromEntries(parameters),
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      isBase64Encoded: false,
      requestContext: { requestId: randomUUID(), authorizer: context, identity: { sourceIp: '192.0.2.1' } },
    } as unknown as APIGatewayProxyEvent;
    if (serverForPath(pathOnly) === 'gateway') return await invoke(this.#gateway, event);
    const answer = await this.#admin(event, lambdaContext('admin', 'r', 25_000));
    return { status: answer.statusCode, headers: answer.headers ?? {}, text: answer.body };
  }

  /** Sends a chat completion request. */
  async chat(key: string, model: string): Promise<ApiResponse> {
    const body = { model, max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] };
    return await this.send(key, 'POST', '/openai/v1/chat/completions', body);
  }

  async #authorized(key: string): Promise<object | undefined> {
    const known = this.#authorizations.get(key);
    if (known !== undefined && known.untilMs > this.nowEpochMs) return known.context;
    const event = {
      type: 'REQUEST',
      methodArn: 'arn:aws:execute-api:a:1:b/c/GET/d',
      headers: { Authorization: `Bearer ${key}` },
    };
    let result: APIGatewayAuthorizerResult;
    try {
      result = await this.#authorizer(
        event as unknown as APIGatewayRequestAuthorizerEvent,
        lambdaContext('authorizer', 'r', 10_000),
      );
    } catch (error) {
      if (error instanceof Error && error.message === 'Unauthorized') return undefined;
      throw error;
    }
    const context = result.context ?? {};
    this.#authorizations.set(key, { context, untilMs: this.nowEpochMs + CACHE_MS });
    return context;
  }
}
