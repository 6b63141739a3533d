import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DynamoKeyStore } from '../../../../lambda/access/io/dynamo-key-store.ts';
import { mintKey } from '../../../../lambda/access/io/gateway-key.ts';
import { CUSTOM_RESOURCE } from '../../../../lambda/contract.ts';
import { createCustomResourceHandler } from '../../../../lambda/deployment/io/custom-resource.ts';
import { publishHandler, teamKeysHandler } from '../../../../lambda/deployment/io/publish-resources.ts';
import { encodeCatalog, encodeProperties } from '../../../../lambda/deployment/resource-properties.ts';
import { picoUsdFromNumber } from '../../../../lambda/kernel/money.ts';
import type { EnvironmentFile } from '../../../../lambda/policy/environment.ts';
import { DynamoAuditLog } from '../../../../lambda/policy/io/dynamo-audit-log.ts';
import { Registry } from '../../../../lambda/policy/io/registry.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { catalogContent } from '../../../support/catalog.ts';
import { budgets, buildReserveTerms, buildSettlement, START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { RealLedger } from '../../../support/ledger/real-ledger.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

const PERIOD = '2026-11';
const team = { allowedModels: ['openai/gpt-oss-20b'], monthlyBudgetUsd: 200 };
const now = () => START_MS;
let database: TestDatabase;
let ledger: RealLedger;
let answers: Record<string, unknown>[];
let nowEpochMs = START_MS;
let registryTable = '';
let serial = 0;

beforeAll(async () => {
  database = await startTestDatabase('ledger');
});
afterAll(async () => await database.close());
beforeEach(async () => {
  const { ensureTable } = await import('../../../../local/dynamodb/tables.ts');
  registryTable = `registry${serial++}`;
  await ensureTable(database.client, registryTable);
  ledger = new RealLedger(database.client, 'ledger', now);
  answers = [];
  nowEpochMs = START_MS;
});

const registry = () => new Registry(database.client, registryTable, now);
const keys = () => new DynamoKeyStore(database.client, registryTable, now);
/** Sends an event as CloudFormation does, and returns the handler's response. */
async function send(event: Record<string, unknown>) {
  const put = (async (_url: string, request: RequestInit) => {
    answers.push(JSON.parse(String(request.body)));
    return new Response();
  }) as unknown as typeof fetch;
  const handler = createCustomResourceHandler(
    {
      [CUSTOM_RESOURCE.policies]: publishHandler(() => ({
        policies: registry(),
        ledger,
        audit: new DynamoAuditLog(database.client, registryTable),
        nowEpochMs,
      })),
      [CUSTOM_RESOURCE.teamKeys]: teamKeysHandler(keys()),
    },
    () => {},
    put,
  );
  const fullEvent = {
    RequestType: 'Create',
    ResponseURL: 'http://cfn',
    StackId: 'stack',
    RequestId: `r${serial++}`,
    LogicalResourceId: 'Policies',
    ...event,
  };
  await handler(fullEvent as unknown as CloudFormationCustomResourceEvent, lambdaContext('publisher', 'r', 60_000));
  return answers.at(-1) as { Status: string; Reason?: string; Data: { Summary: string }; PhysicalResourceId: string };
}
const properties = (teams: object, catalogFile: Record<string, unknown> = catalogContent()) => ({
  Environment: encodeProperties({ teams }),
  Catalog: encodeCatalog(catalogFile),
  Infrastructure: {},
});
const publish = (teams: object, more: object = {}, catalogFile?: Record<string, unknown>) =>
  send({ ResourceType: CUSTOM_RESOURCE.policies, ResourceProperties: properties(teams, catalogFile), ...more });
const budget = async (name: string, period = PERIOD) => await ledger.read({ team: name, period });
const usd = picoUsdFromNumber;

describe('publishing policies', () => {
  it('publishes teams and prices, opens each ledger, and returns the changes', async () => {
    const name = `new${serial}`;
    const answer = await publish({ [name]: team });
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'Policies' });
    expect(answer.Data.Summary).toContain(`| team ${name} |`);
    expect((await registry().policies()).teams.get(name)?.monthlyBudgetPicoUsd).toBe(usd(200));
    expect(await budget(name)).toMatchObject({ limitPicoUsd: usd(200), availablePicoUsd: usd(200) });
  });

  it('never resets spending or reservations when a budget is changed and changed back', async () => {
    const name = `moved${serial}`;
    await publish({ [name]: team });
    const key = { team: name, period: PERIOD };
    for (const id of ['over', 'flying']) await ledger.reserve(key, budgets(usd(200)), buildReserveTerms(id, usd(5)));
    await ledger.settle(key, buildReserveTerms('over', usd(5)), buildSettlement(usd(3)));
    const raised = { [name]: { ...team, monthlyBudgetUsd: 300 } };
    const Old = { OldResourceProperties: properties({ [name]: team }), RequestType: 'Update', PhysicalResourceId: 'p' };
    expect((await publish(raised, Old)).Data.Summary).toContain('| $200 | $300 |');
    const moved = { spentPicoUsd: usd(3), reservedPicoUsd: usd(5) };
    expect(await budget(name)).toMatchObject({ ...moved, limitPicoUsd: usd(300), availablePicoUsd: usd(292) });
    await publish({ [name]: team }, { ...Old, OldResourceProperties: properties(raised) });
    expect(await budget(name)).toMatchObject({ ...moved, limitPicoUsd: usd(200), availablePicoUsd: usd(192) });
  });

  it('also opens the next month shortly before it begins, so that no gateway opens it with the old budget', async () => {
    const name = `eve${serial}`;
    nowEpochMs = Date.UTC(2026, 10, 30, 23, 55);
    await publish({ [name]: team });
    expect(await budget(name, '2026-12')).toMatchObject({ limitPicoUsd: usd(200) });
  });

  it.each<[string, object, RegExp]>([
    [
      'a model without a price',
      { allowedModels: ['gpt-9'] },
      /team "bad": "allowedModels": "gpt-9" is not in the catalog/,
    ],
    ['a mistyped field', { monthlyBudgetUsdd: 1 }, /unknown field "monthlyBudgetUsdd"; did you mean/],
    ['a negative budget', { monthlyBudgetUsd: -1 }, /must not be negative/],
  ])('refuses a set with %s before anything changes', async (_what, fault, message) => {
    const name = `kept${serial}`;
    await publish({ [name]: team });
    const answer = await publish({ [name]: { ...team, monthlyBudgetUsd: 1 }, bad: { ...team, ...fault } });
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringMatching(message) });
    expect((await registry().policies()).teams.get(name)?.monthlyBudgetPicoUsd).toBe(usd(200));
    expect(await budget(name)).toMatchObject({ limitPicoUsd: usd(200) });
    expect(await budget('bad')).toBeUndefined();
  });

  it('refuses a price that a typo has moved a hundredfold, and keeps the old one in force', async () => {
    await publish({ [`p${serial}`]: team });
    const content = catalogContent();
    const models = content.models.map((model) => ({ ...model, ...(model.input === 0.075 ? { input: 7.5 } : {}) }));
    expect(await publish({ [`p${serial}`]: team }, {}, { ...content, models })).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('threefold'),
    });
    const inForce = (await registry().policies()).catalog.models.get('openai/gpt-oss-20b');
    expect(inForce).toMatchObject({ inputTokenPicoUsd: 75_000n });
  });

  it('shows readers the old set or the new one, never a mixture, and keeps only one old set', async () => {
    const name = `seen${serial}`;
    const other = { ...team, allowedModels: ['openai/gpt-oss-120b'] };
    await publish({ [name]: team });
    const reader = registry();
    const sets = new Set<string>();
    for (const content of [other, team, other, team]) {
      const published = publish({ [name]: content, [`${name}x`]: content });
      for (let reads = 0; reads < 5; reads++) {
        const published = [...((await reader.readCurrent())?.environment.teams.values() ?? [])];
        const own = published.filter(({ team: of }) => of.startsWith(name));
        sets.add(JSON.stringify(own.map(({ allowedModels }) => allowedModels[0])));
      }
      await published;
    }
    for (const set of sets) expect(new Set(JSON.parse(set)).size).toBe(1);
    const { ScanCommand } = await import('@aws-sdk/client-dynamodb');
    const { Items } = await database.client.send(new ScanCommand({ TableName: registryTable }));
    const versions = new Set((Items ?? []).map((item) => item.pk?.S ?? '').filter((pk) => pk.startsWith('POLICIES#')));
    expect(versions.size).toBe(2);
  });

  it('writes an audit entry for each publication with changes, and none without', async () => {
    const name = `audited${serial}`;
    const audit = new DynamoAuditLog(database.client, registryTable);
    await publish({ [name]: team });
    await publish({ [name]: team });
    const entries = await audit.listNewest(PERIOD, 10);
    expect(entries).toMatchObject([{ action: 'publish_policies', actor: 'stack', atEpochMs: START_MS }]);
    expect(entries[0]?.details).toContain(name);
  });

  it('has the intended changes in the audit trail even when it fails halfway', async () => {
    const name = `half${serial}`;
    await publish({ [name]: team });
    const setLimit = ledger.setLimit;
    ledger.setLimit = async () => await Promise.reject(new Error('the table is gone'));
    expect(await publish({ [name]: { ...team, monthlyBudgetUsd: 900 } })).toMatchObject({ Status: 'FAILED' });
    ledger.setLimit = setLimit;
    const entries = await new DynamoAuditLog(database.client, registryTable).listNewest(PERIOD, 10);
    expect(entries.map(({ details }) => details).join()).toContain('| $200 | $900 |');
  });

  it('can roll back from a version that knew more fields', async () => {
    const name = `newer${serial}`;
    const future = { ...team, rotationDays: 30 } as never;
    await registry().publish({ teams: { [name]: future } }, { ...catalogContent(), region: 'eu' });
    expect((await registry().policies()).teams.get(name)).toMatchObject({ monthlyBudgetPicoUsd: usd(200) });
    expect(await publish({ [name]: team })).toMatchObject({ Status: 'SUCCESS' });
  });

  it('replaces a set that cannot be parsed', async () => {
    await registry().publish({ teams: { Broken: team } as never }, catalogContent());
    await expect(registry().readCurrent()).rejects.toThrow(/team "Broken"/);
    expect(await publish({ [`fixed${serial}`]: team })).toMatchObject({ Status: 'SUCCESS' });
  });

  it('never refers to a set that a concurrent publication has removed', async () => {
    // Publications with equal content share a version, which an earlier one may be about to remove.
    const [one, two, three] = [1, 2, 3].map((usd) => ({ teams: { x: { ...team, monthlyBudgetUsd: usd } } }));
    const content = catalogContent();
    for (const set of [one, two, three, one, two, one]) await registry().publish(set as EnvironmentFile, content);
    expect((await registry().policies()).teams.get('x')?.monthlyBudgetPicoUsd).toBe(usd(1));
  });

  it('leaves everything in place when the stack is deleted', async () => {
    const name = `gone${serial}`;
    await publish({ [name]: team });
    await publish({ [name]: team }, { RequestType: 'Delete', PhysicalResourceId: 'p' });
    expect((await registry().policies()).teams.has(name)).toBe(true);
  });
});

describe("a team's keys", () => {
  it('are revoked when their team is removed, and no others', async () => {
    const put = async (name: string) => {
      const { key, keyId } = mintKey('test');
      await keys().put(key, { keyId, role: 'member', team: name, name: `${name}-test-x`, createdAtEpochMs: START_MS });
      return key;
    };
    const [leaving, staying] = [await put('leaving'), await put('staying')];
    const event = (RequestType: string) =>
      send({ RequestType, ResourceType: CUSTOM_RESOURCE.teamKeys, ResourceProperties: { Team: 'leaving' } });
    await event('Create');
    await event('Update');
    expect(await keys().identify(leaving)).toMatchObject({ team: 'leaving' });
    expect(await event('Delete')).toMatchObject({ Status: 'SUCCESS' });
    expect(await event('Delete')).toMatchObject({ Status: 'SUCCESS' });
    expect(await keys().identify(leaving)).toBeUndefined();
    expect(await keys().identify(staying)).toMatchObject({ team: 'staying' });
  });
});

describe('a custom resource', () => {
  const run = async (failures: number, error: Error) => {
    let calls = 0;
    let sleptMs = 0;
    let outcome: unknown;
    const handler = createCustomResourceHandler(
      {
        'Custom::Any': async () => {
          if (calls++ < failures) throw new Error('cannot write', { cause: error });
          return {};
        },
      },
      () => {},
      (async (_url: string, request: RequestInit) => {
        outcome = JSON.parse(String(request.body)).Status;
        return new Response();
      }) as unknown as typeof fetch,
      async (ms) => {
        sleptMs += ms;
      },
    );
    const event = {
      RequestType: 'Create',
      ResourceType: 'Custom::Any',
      ResponseURL: 'http://cfn',
      LogicalResourceId: 'x',
    };
    await handler(event as unknown as CloudFormationCustomResourceEvent, lambdaContext('publisher', 'r', 60_000));
    return { outcome, calls, sleptMs };
  };
  const denied = Object.assign(new Error(), { name: 'AccessDeniedException' });

  it('retries for half a minute while IAM does not know new permissions yet', async () => {
    expect(await run(2, denied)).toEqual({ outcome: 'SUCCESS', calls: 3, sleptMs: 10_000 });
    expect(await run(99, denied)).toEqual({ outcome: 'FAILED', calls: 7, sleptMs: 30_000 });
  });

  it('fails at once for any other error', async () => {
    expect(await run(99, new Error())).toEqual({ outcome: 'FAILED', calls: 1, sleptMs: 0 });
  });

  it('responds with a failure to an unknown resource type', async () => {
    expect(await send({ ResourceType: 'Custom::Other', ResourceProperties: {} })).toMatchObject({ Status: 'FAILED' });
  });
});
