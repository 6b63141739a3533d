import { devNull } from 'node:os';
import { ENV } from '../lambda/contract.ts';
import type { Organization } from '../lambda/policy/environment.ts';
import type { TableNames } from './dynamodb/tables.ts';
import type { Settings } from './settings.ts';

/** Addresses of the services that the functions call. */
export type ServiceEndpoints = {
  readonly dynamodb: string;
  readonly secretsManager: string;
  readonly groqBaseUrl: string;
};

/**
 * Sets the environment variables that a deployment sets for its functions. There is no event bus, so alerts go to the log
 * only.
 */
export function setFunctionEnvironment(
  settings: Settings,
  tables: TableNames,
  endpoints: ServiceEndpoints,
  { alertsPercent, alertsUsd }: Organization,
): void {
  Object.assign(process.env, {
    [ENV.environmentName]: settings.environmentName,
    [ENV.ledgerTable]: tables.ledgerTable,
    [ENV.registryTable]: tables.registryTable,
    [ENV.usageTable]: tables.usageTable,
    [ENV.groqBaseUrl]: endpoints.groqBaseUrl,
    [ENV.alertPercents]: alertsPercent.join(','),
    [ENV.alertUsd]: alertsUsd.join(','),
    // By default, one line of metrics per request would fill the terminal.
    [ENV.metricsFile]: settings.metricsFile ?? devNull,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
  delete process.env.AWS_PROFILE;
  delete process.env.AWS_SESSION_TOKEN;
}
