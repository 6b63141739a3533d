/** Names that the CDK constructs, the Lambda functions and the local host share, so that they cannot drift apart. */

/** Also the holder of the usage plan that serves keys without a team. */
export { ORGANIZATION } from './kernel/organization.ts';

/** Parts of the API that a key's scope can allow. */
export const ENDPOINTS = ['chat', 'models', 'budget', 'usage', 'keys', 'audit'] as const;

/** One of {@link ENDPOINTS}. */
export type Endpoint = (typeof ENDPOINTS)[number];

/** One operation of the API. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** A path template as API Gateway writes it: `{id}` matches one segment, `{model+}` matches one or more. */
  readonly path: string;
  /** The function that serves it. */
  readonly servedBy: 'gateway' | 'admin';
  /** The endpoint that a scoped key must include. @default none: every key may call it */
  readonly endpoint?: Endpoint;
  /** Served without a key; in AWS, API Gateway itself returns the fixed response. @default false */
  readonly isPublic?: true;
};

/**
 * Every operation that the gateway serves. The handlers route by this table, the local host picks functions by it, and
 * the API construct creates its resources from it. Where two paths match, the first one wins.
 */
export const ROUTES = {
  createChatCompletion: { method: 'POST', path: '/openai/v1/chat/completions', servedBy: 'gateway', endpoint: 'chat' },
  listModels: { method: 'GET', path: '/openai/v1/models', servedBy: 'gateway', endpoint: 'models' },
  getModel: { method: 'GET', path: '/openai/v1/models/{model+}', servedBy: 'gateway', endpoint: 'models' },
  getBudget: { method: 'GET', path: '/openai/v1/budget', servedBy: 'gateway', endpoint: 'budget' },
  getUsage: { method: 'GET', path: '/openai/v1/usage', servedBy: 'gateway', endpoint: 'usage' },
  listKeys: { method: 'GET', path: '/openai/v1/api-keys', servedBy: 'admin', endpoint: 'keys' },
  createKey: { method: 'POST', path: '/openai/v1/api-keys', servedBy: 'admin', endpoint: 'keys' },
  getOwnKey: { method: 'GET', path: '/openai/v1/api-keys/me', servedBy: 'admin' },
  getKey: { method: 'GET', path: '/openai/v1/api-keys/{id}', servedBy: 'admin', endpoint: 'keys' },
  revokeKey: { method: 'DELETE', path: '/openai/v1/api-keys/{id}', servedBy: 'admin', endpoint: 'keys' },
  rotateKey: { method: 'POST', path: '/openai/v1/api-keys/{id}/rotate', servedBy: 'admin', endpoint: 'keys' },
  listAuditEntries: { method: 'GET', path: '/openai/v1/audit', servedBy: 'admin', endpoint: 'audit' },
  listGroqKeys: { method: 'GET', path: '/openai/v1/groq-keys', servedBy: 'admin', endpoint: 'keys' },
  getHealth: { method: 'GET', path: '/healthz', servedBy: 'gateway', isPublic: true },
} as const satisfies Readonly<Record<string, Route>>;

/** The names of the routes that a function serves. */
export type RouteName<Server extends Route['servedBy']> = {
  [Name in keyof typeof ROUTES]: (typeof ROUTES)[Name]['servedBy'] extends Server ? Name : never;
}[keyof typeof ROUTES];

/** Names of the environment variables that the functions read. */
export const ENV = {
  environmentName: 'GATEWAY_ENVIRONMENT',
  ledgerTable: 'LEDGER_TABLE',
  registryTable: 'REGISTRY_TABLE',
  usageTable: 'USAGE_TABLE',
  groqBaseUrl: 'GROQ_BASE_URL',
  /** Absent where the default applies, as are the next. */
  upstreamFirstByteMs: 'UPSTREAM_FIRST_BYTE_MS',
  upstreamIdleMs: 'UPSTREAM_IDLE_MS',
  operatorsTopic: 'OPERATORS_TOPIC',
  reportsBucket: 'REPORTS_BUCKET',
  /** Set by the local host only. */
  metricsFile: 'METRICS_FILE',
  alertPercents: 'ALERT_PERCENTS',
  alertUsd: 'ALERT_USD',
  eventBus: 'EVENT_BUS',
  webhookKind: 'WEBHOOK_KIND',
  webhookSecret: 'WEBHOOK_SECRET',
} as const;

/** Types of the CloudFormation custom resources. */
export const CUSTOM_RESOURCE = {
  policies: 'Custom::GatewayPolicies',
  teamKeys: 'Custom::TeamKeys',
  canary: 'Custom::EnforcementCanary',
} as const;

/** S3 key prefix of the weekly reports; each week has its own folder below it. */
export const WEEKLY_PREFIX = 'weekly/';

/** The key attributes of every table. */
export const PARTITION_KEY = 'pk';
export const SORT_KEY = 'sk';

/** The TTL attribute of every table, in epoch seconds. */
export const TTL_ATTRIBUTE = 'expiresAtEpochS';

/** Returns the name of the secret that holds a team's Groq keys, such as `groq/chatbot-prod-gateway`. */
export function groqSecretName(team: string, environment: string): string {
  return `groq/${team}-${environment}-gateway`;
}

/** Returns the team that a Groq secret belongs to, or undefined for any other name. */
export function teamFromGroqSecret(name: string, environment: string): string | undefined {
  const team = /^groq\/([a-z][a-z0-9-]{0,31})-[a-z0-9]+-gateway$/.exec(name)?.[1];
  return team !== undefined && name === groqSecretName(team, environment) ? team : undefined;
}

/** Returns the name of the secret that a team's services read their key from, such as `gateway/chatbot-prod-service`. */
export function serviceSecretName(team: string, environment: string): string {
  return `gateway/${team}-${environment}-service`;
}

/** Returns the team that a service secret belongs to, or undefined for any other name. */
export function teamFromServiceSecret(name: string, environment: string): string | undefined {
  const team = /^gateway\/([a-z][a-z0-9-]{0,31})-[a-z0-9]+-service$/.exec(name)?.[1];
  return team !== undefined && name === serviceSecretName(team, environment) ? team : undefined;
}

const EVENT_SOURCE = 'groq-gateway';

/** Source and detail type of a budget alert on the event bus. */
export const ALERT_EVENT = { source: EVENT_SOURCE, detailType: 'Budget threshold crossed' } as const;

/** Source and detail type of an event about a team's Groq keys. */
export const GROQ_KEY_EVENT = { source: EVENT_SOURCE, detailType: 'Groq key rotation' } as const;

/** Source and detail type of an event about differences between the catalog and Groq's list of models. */
export const CATALOG_EVENT = { source: EVENT_SOURCE, detailType: 'Catalog differs' } as const;

/**
 * Returns the value of the API Gateway key by which the authorizer selects a holder's usage plan. It is not a secret: the
 * API takes keys from its authorizer only. Values are alphanumeric and unique in an account and region: `hash` is SHA-256 in
 * hexadecimal.
 */
export function usagePlanKeyValue(environment: string, holder: string, hash: (text: string) => string): string {
  return hash(`usage plan of ${holder} in ${environment}`);
}

/** Prefix of the ids of the keys that the check after a deployment creates. */
export const CANARY_KEY_PREFIX = 'canary';

/** Removes trailing slashes and a trailing `/openai/v1`, which OpenAI's SDKs want and Groq's SDK adds by itself. */
export function normalizeBaseUrl(baseUrl: string): string {
  return baseUrl.replace(/\/+$/, '').replace(/\/openai\/v1$/, '');
}

/** Maximum age of cached policies, keys and secrets in the gateway and in API Gateway, in milliseconds. */
export const CACHE_MS = 60_000;

/** Maximum size of a request body in bytes: API Gateway's own limit (docs "Amazon API Gateway quotas", read 2026-11-23). */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;
