import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, describe, expect, it } from 'vitest';
import { RecentOutputs } from '../../../../lambda/chat/recent-outputs.ts';
import { Headroom, type Priority } from '../../../../lambda/groq/headroom.ts';
import { GroqKeys } from '../../../../lambda/groq/io/groq-keys.ts';
import { GroqUpstream } from '../../../../lambda/groq/io/groq-upstream.ts';
import { type FakeGroq, startFakeGroq } from '../../../../local/fake-groq/server.ts';
import { catalog, policyWith } from '../../../support/catalog.ts';
import { fakeClock } from '../../../support/fake-clock.ts';
import { chatEvent, invoke, NO_OP_USAGE_PORTS } from '../../../support/gateway/gateway-in-process.ts';
import { MemoryLedger } from '../../../support/ledger/memory-ledger.ts';

const { createGatewayHandler } = await import('../../../../lambda/http/io/gateway-handler.ts');

let fake: FakeGroq;
afterEach(async () => await fake.close());

/** Starts gateways of one organisation with 6,000 tokens a minute, each with its own view of Groq's limits, and two teams. */
async function startOrganization(priorities: { product: Priority; job: Priority }, instances = 1) {
  const clock = fakeClock();
  fake = await startFakeGroq({
    limits: { tokensPerMinute: 6_000, requestsPerDay: 14_400 },
    nowMs: clock.nowEpochMs,
  });
  const ledger = new MemoryLedger(clock.nowEpochMs);
  const reserved: string[] = [];
  const secrets = { send: async () => ({ SecretString: '{"apiKey":"gsk_fake"}' }) } as unknown as SecretsManagerClient;
  const team = (name: 'product' | 'job', maxConcurrent: number) => {
    const fields = { maxTokensPerRequest: 50, rateLimitRpm: null, maxConcurrent, priority: priorities[name] };
    return [name, { ...policyWith(fields), team: name }] as const;
  };
  const teams = new Map([team('product', 5), team('job', 200)]);
  let ids = 0;
  const gateways = Array.from({ length: instances }, () => {
    const headroom = new Headroom();
    const keys = new GroqKeys(secrets, 'test', clock.nowEpochMs, () => {});
    return createGatewayHandler({
      ...NO_OP_USAGE_PORTS,
      ledger: {
        reserve: (key, budgets, terms) => {
          reserved.push(key.team);
          return ledger.reserve(key, budgets, terms);
        },
        settle: (...settlement) => ledger.settle(...settlement),
        lastSeen: (key) => ledger.lastSeen(key),
        read: (key) => ledger.read(key),
        readEventuallyConsistent: (key) => ledger.readEventuallyConsistent(key),
        readPauses: (team) => ledger.readPauses(team),
        readOrganization: (period) => ledger.readOrganization(period),
      },
      upstream: new GroqUpstream({ baseUrl: fake.baseUrl, keys, clock, log: () => {}, limits: headroom }),
      clock,
      log: () => {},
      outputs: new RecentOutputs(),
      headroom,
      newId: () => `id-${ids++}`,
      policies: { policies: async () => ({ teams, catalog }) },
    });
  });
  const call = (name: 'product' | 'job', stream = false, instance = 0) =>
    invoke(
      gateways[instance % instances],
      chatEvent({ messages: [{ role: 'user', content: '[tokens:50]' }], stream }, {
        requestContext: { requestId: 'r', authorizer: { keyId: name, role: 'member', team: name } },
      } as never),
    );
  return { clock, call, reserved, instances };
}

/** Simulates a minute: each second one product call, then 20 job calls, at once or spread over the instances in turn. */
async function simulateMinute({ clock, call, instances }: Awaited<ReturnType<typeof startOrganization>>) {
  const product: number[] = [];
  const job: Awaited<ReturnType<typeof call>>[] = [];
  for (let second = 0; second < 60; second++) {
    product.push((await call('product', second % 2 === 0, second)).status);
    if (instances === 1) {
      job.push(...(await Promise.all(Array.from({ length: 20 }, (_, index) => call('job', index % 2 === 0)))));
    } else {
      for (let index = 0; index < 20; index++) job.push(await call('job', index % 2 === 0, index));
    }
    await clock.sleep(1_000);
  }
  const served = job.filter(({ status }) => status === 200).length;
  return { product, served, refused: job.filter(({ status }) => status !== 200) };
}

const all200 = Array.from({ length: 60 }, () => 200);

describe('a job that floods and a product that calls steadily', () => {
  it.each<[Priority, Priority, number]>([
    ['high', 'batch', 1],
    ['normal', 'batch', 1],
    ['high', 'batch', 7],
    ['normal', 'batch', 7],
  ])(
    "never lets one batch job starve a product of Groq's own limits: %s and %s, %d instances",
    async (product, job, instances) => {
      const rig = await startOrganization({ product, job }, instances);
      const minute = await simulateMinute(rig);
      expect(minute.product).toEqual(all200);
      expect(fake.served().refused).toBe(0);
      // The bucket holds 6,000 tokens and refills 6,000. A call takes 77, the product makes 60, and a quarter stays free.
      expect(minute.served).toBeGreaterThan(60);
      expect(minute.refused.length).toBeGreaterThan(1_000);
      for (const { status, headers, text } of minute.refused) {
        expect([status, JSON.parse(text).error.code]).toEqual([429, 'rate_limit_exceeded']);
        expect(Number(headers['retry-after-ms'])).toBeLessThanOrEqual(15_000);
      }
    },
  );

  it('refuses product calls without priorities, which proves the test above', async () => {
    const rig = await startOrganization({ product: 'high', job: 'high' });
    await simulateMinute(rig);
    expect(fake.served().refused).toBeGreaterThan(0);
  });

  it('returns the exact retry time, and reserves nothing for a refused call', async () => {
    const { clock, call, reserved } = await startOrganization({ product: 'high', job: 'batch' });
    while ((await call('product')).status === 200 && (await call('job')).status === 200);
    reserved.length = 0;
    const refused = await call('job');
    expect(refused.status).toBe(429);
    const wait = Number(refused.headers['retry-after-ms']);
    await clock.sleep(wait - 1);
    expect(await call('job')).toMatchObject({ status: 429, headers: { 'retry-after-ms': '1' } });
    expect(reserved).toEqual([]);
    await clock.sleep(1);
    expect(await call('job')).toMatchObject({ status: 200 });
    expect(reserved).toEqual(['job']);
  });

  it('lets a lone job use the whole limit of Groq except for the free quarter', async () => {
    const rig = await startOrganization({ product: 'high', job: 'batch' });
    for (let calls = 0; (await rig.call('job')).status === 200; calls++) expect(calls).toBeLessThan(100);
    expect(fake.served().byModel['openai/gpt-oss-20b']?.requests).toBe(Math.ceil((6_000 * 0.75) / 77));
  });
});
