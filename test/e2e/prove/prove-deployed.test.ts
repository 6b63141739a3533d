import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, expect, it, vi } from 'vitest';
import { QUIET } from '../../../bin/progress.ts';
import { attackAll, suitable } from '../../../bin/prove/attack.ts';
import { worthOf } from '../../../bin/prove/scenarios/scenario.ts';
import { SCENARIOS } from '../../../bin/prove/scenarios/scenarios.ts';
import { deployedTarget, spendsAtMost } from '../../../bin/prove/targets/deployed-target.ts';
import { countOf, readServed } from '../../../bin/prove/targets/served-upstream.ts';
import type { BudgetGiver } from '../../../bin/prove/targets/target.ts';
import { addUsd, type PicoUsd, ZERO_USD } from '../../../lambda/kernel/money.ts';
import { periodOf } from '../../../lambda/kernel/period.ts';
import { DynamoBudgets } from '../../../lambda/ledger/io/dynamo-budgets.ts';
import { startEmbeddedDynamodb } from '../../../local/dynamodb/embedded-dynamodb.ts';
import { startFakeGroq } from '../../../local/fake-groq/server.ts';
import { catalog, policyWith } from '../../support/catalog.ts';
import { roomyEnvironment, startGatewayProcess } from '../../support/gateway/gateway-process.ts';

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** Moves a team's limit in the ledger itself, as a budget operation of a deployment does. */
function ledgerGiver(ledger: DynamoBudgets): BudgetGiver & { readonly given: PicoUsd[] } {
  const given: PicoUsd[] = [];
  let before: PicoUsd | undefined;
  const keyOf = (team: string) => ({ team, period: periodOf(Date.now()) });
  return {
    given,
    async giveBudget(team, available) {
      const view = await ledger.read(keyOf(team));
      before ??= view?.limit;
      given.push(available);
      await ledger.setLimit(keyOf(team), addUsd(view?.spent ?? ZERO_USD, view?.reserved ?? ZERO_USD, available));
    },
    async takeBack(team) {
      if (before !== undefined) await ledger.setLimit(keyOf(team), before);
    },
  };
}

it("attacks a running gateway on one team's budget, which is given for each scenario and taken back", async () => {
  const out = mkdtempSync(join(tmpdir(), 'prove-deployed-'));
  const fake = await startFakeGroq({ latencyMs: 50 });
  const database = await startEmbeddedDynamodb();
  const env = { GROQ_BASE_URL: fake.baseUrl, DYNAMODB_ENDPOINT: database.endpoint };
  const gateway = await startGatewayProcess({ environment: roomyEnvironment(), env });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: database.endpoint, region: 'us-east-1', credentials });
  cleanUp.push(
    () => rmSync(out, { recursive: true }),
    fake.close,
    database.close,
    gateway.close,
    () => client.destroy(),
  );
  const ledger = new DynamoBudgets(client, 'test-ledger', Date.now);
  const giver = ledgerGiver(ledger);
  const target = deployedTarget({
    environmentName: 'test',
    endpoint: gateway.baseUrl,
    policy: { ...policyWith({ maxTokensPerRequest: 2_048 }), team: 'roomy' },
    key: gateway.teams.roomy?.key ?? '',
    catalog,
    upstream: countOf(() => readServed(fake.baseUrl), catalog),
    giver,
  });
  const attack = { target, calls: 40, atOnce: 40 };
  const scenarios = suitable(SCENARIOS, target).filter(({ id }) => id !== 'faults');
  expect(scenarios.map(({ id }) => id)).toEqual(['whole', 'streamed', 'whole-open', 'streamed-open', 'disconnects']);
  expect(spendsAtMost(target, worthOf(attack, 40), 5)).toMatch(
    /as team roomy: at most \$[\d.]+ are spent, .* in each of 5/,
  );

  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const holds = await attackAll(attack, scenarios, { out, json: true }, QUIET);
  const { lines } = JSON.parse(String(log.mock.calls[0]?.[0]));
  expect(lines.map((line: Record<string, unknown>) => [line.verdict, line.overspendUsd, line.reasons])).toEqual(
    scenarios.map(() => ['holds', '0', []]),
  );
  expect(holds).toBe(true);
  expect(giver.given).toEqual(scenarios.map(() => worthOf(attack, 40)));
  await target.close();
  expect((await ledger.read({ team: 'roomy', period: periodOf(Date.now()) }))?.limit).toBe(100_000_000_000_000n);
});
