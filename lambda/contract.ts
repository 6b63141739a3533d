/**
 * What the deployment and the handlers agree on: names of environment variables, and the tables' keys. Shared by the
 * constructs, the handlers and the local host, so that none can drift from the others.
 */

/** The environment variables a handler reads, by what they hold. */
export const ENV = {
  environmentName: 'GATEWAY_ENVIRONMENT',
  ledgerTable: 'LEDGER_TABLE',
  registryTable: 'REGISTRY_TABLE',
  groqBaseUrl: 'GROQ_BASE_URL',
} as const;

/** The key attributes of every table. */
export const PARTITION_KEY = 'pk';
export const SORT_KEY = 'sk';

/** The attribute by which DynamoDB deletes old items, in epoch seconds. */
export const TTL_ATTRIBUTE = 'expiresAtEpochS';

/** The secret of a team's Groq key, such as `groq/chatbot-prod-gateway`. */
export function groqSecretName(team: string, environment: string): string {
  return `groq/${team}-${environment}-gateway`;
}

/** The longest a gateway or API Gateway may trust what it read of policies, keys and secrets, in milliseconds. */
export const CACHE_MS = 60_000;

/** The largest request body, in bytes: API Gateway's own limit (docs "Amazon API Gateway quotas", read 2026-11-23). */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;
