import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createSweepHandler } from '../lambda/alerts/io/sweep-handler.ts';
import { createAlertPorts } from '../lambda/functions/alert-ports.ts';
import { systemClock } from '../lambda/kernel/io/system.ts';
import { DynamoLedger } from '../lambda/ledger/io/dynamo-ledger.ts';
import { Registry } from '../lambda/policy/io/registry.ts';
import type { LedgerStreamConsumerProps } from './dynamodb/ledger-stream-consumer.ts';
import type { TableNames } from './dynamodb/tables.ts';
import type { HostedFunctions } from './host/host.ts';
import { installLambdaRuntime, lambdaContext } from './host/lambda-runtime.ts';

/** The deployed timeout of the projector. */
const PROJECTOR_TIMEOUT_MS = 60_000;
/** The deployed interval of the sweep. */
const SWEEP_INTERVAL_MS = 300_000;

/** The functions of a local gateway. */
export type LocalFunctions = HostedFunctions &
  Pick<LedgerStreamConsumerProps, 'project'> & {
    /** Writes the refusals and metrics that the gateway has buffered. */
    readonly finish: () => Promise<void>;
  };
type StreamHandler = (event: object, context: object) => Promise<unknown>;

/** Loads the deployed entry points. They read their environment variables while loading. */
export async function loadFunctions(): Promise<LocalFunctions> {
  installLambdaRuntime();
  const { handler: authorizer } = await import('../lambda/functions/authorizer.ts');
  const { handler: gateway, finish } = await import('../lambda/functions/gateway.ts');
  const { handler: admin } = await import('../lambda/functions/admin.ts');
  const { handler: projector } = await import('../lambda/functions/projector.ts');
  const project = async (event: object) =>
    await (projector as StreamHandler)(event, lambdaContext('projector', randomUUID(), PROJECTOR_TIMEOUT_MS));
  return { authorizer, gateway, admin, project, finish } as unknown as LocalFunctions;
}

/** Sweeps the ledgers at the deployed interval. Returns a function that stops the sweeps. */
export function scheduleSweeps(client: DynamoDBClient, environmentName: string, tables: TableNames): () => void {
  const sweep = createSweepHandler({
    policies: new Registry(client, tables.registryTable, Date.now),
    ledger: new DynamoLedger(client, tables.ledgerTable, Date.now),
    clock: systemClock,
    alerts: createAlertPorts(client),
    environmentName,
    // No alarms watch the sweep's metrics here.
    write: () => {},
  });
  // A failed sweep is retried by the next one.
  const sweepOnce = () =>
    void sweep({}, lambdaContext('sweeper', randomUUID(), SWEEP_INTERVAL_MS)).catch(() => undefined);
  const timer = setInterval(sweepOnce, SWEEP_INTERVAL_MS).unref();
  return () => clearInterval(timer);
}
