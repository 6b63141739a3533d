import { createHash } from 'node:crypto';

export { ORGANIZATION } from './kernel/organization.ts';

/**
 * What the deployment and the handlers agree on: names of environment variables, and the tables' keys. Shared by the
 * constructs, the handlers and the local host, so that none can drift from the others.
 */

/** The environment variables a handler reads, by what they hold. */
export const ENV = {
  environmentName: 'GATEWAY_ENVIRONMENT',
  ledgerTable: 'LEDGER_TABLE',
  registryTable: 'REGISTRY_TABLE',
  usageTable: 'USAGE_TABLE',
  groqBaseUrl: 'GROQ_BASE_URL',
  operatorsTopic: 'OPERATORS_TOPIC',
  reportsBucket: 'REPORTS_BUCKET',
  /** Of the local host alone. */
  metricsFile: 'METRICS_FILE',
  alertPercents: 'ALERT_PERCENTS',
  alertUsd: 'ALERT_USD',
  eventBus: 'EVENT_BUS',
  webhookKind: 'WEBHOOK_KIND',
  webhookSecret: 'WEBHOOK_SECRET',
} as const;

/** The kinds of CloudFormation custom resources that the functions serve. */
export const CUSTOM_RESOURCE = {
  policies: 'Custom::GatewayPolicies',
  teamKeys: 'Custom::TeamKeys',
  canary: 'Custom::EnforcementCanary',
} as const;

/** Where the weekly report is kept in its bucket; one folder a week. */
export const WEEKLY_PREFIX = 'weekly/';

/** The key attributes of every table. */
export const PARTITION_KEY = 'pk';
export const SORT_KEY = 'sk';

/** The attribute by which DynamoDB deletes old items, in epoch seconds. */
export const TTL_ATTRIBUTE = 'expiresAtEpochS';

/** The secret of a team's Groq key, such as `groq/chatbot-prod-gateway`. */
export function groqSecretName(team: string, environment: string): string {
  return `groq/${team}-${environment}-gateway`;
}

/** The team of such a secret, or undefined for any other. */
export function teamFromGroqSecret(name: string, environment: string): string | undefined {
  const team = /^groq\/([a-z][a-z0-9-]{0,31})-[a-z0-9]+-gateway$/.exec(name)?.[1];
  return team !== undefined && name === groqSecretName(team, environment) ? team : undefined;
}

/** The secret that a team's services read their key from, such as `gateway/chatbot-prod-service`. */
export function serviceSecretName(team: string, environment: string): string {
  return `gateway/${team}-${environment}-service`;
}

/** The team of such a secret, or undefined for any other. */
export function teamFromServiceSecret(name: string, environment: string): string | undefined {
  const team = /^gateway\/([a-z][a-z0-9-]{0,31})-[a-z0-9]+-service$/.exec(name)?.[1];
  return team !== undefined && name === serviceSecretName(team, environment) ? team : undefined;
}

/** Also who holds the usage plan of keys that belong to no team. */

const EVENT_SOURCE = 'groq-gateway';

/** What the events of budget alerts are known by. */
export const ALERT_EVENT = { source: EVENT_SOURCE, detailType: 'Budget threshold crossed' } as const;

/** What rules and rights know an event about a team's Groq keys by. */
export const GROQ_KEY_EVENT = { source: EVENT_SOURCE, detailType: 'Groq key rotation' } as const;

/**
 * The value of a holder's API Gateway key: a handle by which the authorizer names a usage plan, and no secret, since the
 * API takes keys from its authorizer only. Values are alphanumeric and unique in an account and region.
 */
export function usagePlanKeyValue(environment: string, holder: string): string {
  return createHash('sha256').update(`usage plan of ${holder} in ${environment}`).digest('hex');
}

/** The first letters of the ids of keys made by the check that follows a deployment. */
export const CANARY_KEY_PREFIX = 'canary';

/** An address of Groq's API, or of this one, as a person writes it, with or without the path that SDKs of OpenAI's want; as Groq's SDK takes it. */
export function normalizeBaseUrl(baseUrl: string): string {
  return baseUrl.replace(/\/+$/, '').replace(/\/openai\/v1$/, '');
}

/** The longest a gateway or API Gateway may trust what it read of policies, keys and secrets, in milliseconds. */
export const CACHE_MS = 60_000;

/** The largest request body, in bytes: API Gateway's own limit (docs "Amazon API Gateway quotas", read 2026-11-23). */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;
