import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, expect, it, vi } from 'vitest';
import { SILENT_PROGRESS } from '../../../bin/progress.ts';
import { runScenarios, supportedScenarios } from '../../../bin/prove/scenario-runner.ts';
import { budgetForCalls } from '../../../bin/prove/scenarios/scenario.ts';
import { SCENARIOS } from '../../../bin/prove/scenarios/scenarios.ts';
import { createDeployedTarget, spendingNotice } from '../../../bin/prove/targets/deployed-target.ts';
import type { BudgetAdjuster } from '../../../bin/prove/targets/target.ts';
import { createUpstreamCounter, readServed } from '../../../bin/prove/targets/upstream-counter.ts';
import { addUsd, type PicoUsd, ZERO_USD } from '../../../lambda/kernel/money.ts';
import { periodAt } from '../../../lambda/kernel/period.ts';
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

/** Changes a team's limit in the ledger, as a deployment does. */
function createLedgerAdjuster(ledger: DynamoBudgets): BudgetAdjuster & { readonly given: PicoUsd[] } {
  const given: PicoUsd[] = [];
  let before: PicoUsd | undefined;
  const ledgerKey = (team: string) => ({ team, period: periodAt(Date.now()) });
  return {
    given,
    async setAvailable(team, availablePicoUsd) {
      const view = await ledger.read(ledgerKey(team));
      before ??= view?.limitPicoUsd;
      given.push(availablePicoUsd);
      await ledger.setLimit(
        ledgerKey(team),
        addUsd(view?.spentPicoUsd ?? ZERO_USD, view?.reservedPicoUsd ?? ZERO_USD, availablePicoUsd),
      );
    },
    async restoreBudget(team) {
      if (before !== undefined) await ledger.setLimit(ledgerKey(team), before);
    },
  };
}

it("attacks one team's budget on a running gateway, sets it for each scenario, and restores it", async () => {
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
  const adjuster = createLedgerAdjuster(ledger);
  const target = createDeployedTarget({
    environmentName: 'test',
    endpoint: gateway.baseUrl,
    policy: { ...policyWith({ maxTokensPerRequest: 2_048 }), team: 'roomy' },
    key: gateway.teams.roomy?.key ?? '',
    catalog,
    upstream: createUpstreamCounter(() => readServed(fake.baseUrl), catalog),
    adjuster,
  });
  const attack = { target, calls: 40, concurrency: 40 };
  const scenarios = supportedScenarios(SCENARIOS, target).filter(({ id }) => id !== 'faults');
  expect(scenarios.map(({ id }) => id)).toEqual(['whole', 'streamed', 'whole-open', 'streamed-open', 'disconnects']);
  expect(spendingNotice(target, budgetForCalls(attack, 40), 5)).toMatch(
    /as team roomy: spends at most \$[\d.]+, .* in each of 5/,
  );

  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const holds = await runScenarios(attack, scenarios, { out, json: true }, SILENT_PROGRESS);
  const { lines } = JSON.parse(String(log.mock.calls[0]?.[0]));
  expect(lines.map((line: Record<string, unknown>) => [line.verdict, line.overspendUsd, line.reasons])).toEqual(
    scenarios.map(() => ['holds', '0', []]),
  );
  expect(holds).toBe(true);
  expect(adjuster.given).toEqual(scenarios.map(() => budgetForCalls(attack, 40)));
  await target.close();
  expect((await ledger.read({ team: 'roomy', period: periodAt(Date.now()) }))?.limitPicoUsd).toBe(100_000_000_000_000n);
}, 180_000);
