import { openSync, writeSync } from 'node:fs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock, Log } from '../clock.ts';

/** The real clock. */
export const systemClock: Clock = {
  nowEpochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: () => Math.random(),
};

/** Writes each event as one line of JSON to standard error, which Lambda sends to CloudWatch. */
export const systemLog: Log = (event, facts) => {
  console.error(JSON.stringify({ event, ...facts }));
};

/**
 * Returns a writer for the lines of metrics: to a file, or without one to the log, unchanged, because CloudWatch expects
 * JSON from the first character. Standard output belongs to the local host.
 */
export function createMetricWriter(file?: string): (line: string) => void {
  if (file === undefined) return (line) => process.stderr.write(`${line}\n`);
  const descriptor = openSync(file, 'a');
  return (line) => writeSync(descriptor, `${line}\n`);
}

/** Middleware of the SDK that takes a tenth of a call's time and has no effect here: a filter for a log, a user agent. */
const UNUSED_MIDDLEWARE = ['loggerMiddleware', 'getUserAgentMiddleware'];

/** Timeouts of one attempt, in milliseconds; the SDK makes three. A hanging table must not block a caller to its deadline. */
const CONNECT_MS = 2_000;
const RESPONSE_MS = 10_000;
/** A Lambda serves one request at a time; the local host serves many, each with one write in flight. */
const MAX_SOCKETS = 256;

/** The DynamoDB client of every handler. */
export function createDynamoClient(): DynamoDBClient {
  const client = new DynamoDBClient({
    // Builds the middleware stack once, not for each call.
    cacheMiddleware: true,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: RESPONSE_MS,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: MAX_SOCKETS },
      httpsAgent: { maxSockets: MAX_SOCKETS },
    },
  });
  for (const step of UNUSED_MIDDLEWARE) client.middlewareStack.remove(step);
  return client;
}

/** The timeout of one attempt to read a secret, and the attempts: calls wait for it, and fall back to a cached secret. */
const SECRET_RESPONSE_MS = 2_000;
const SECRET_ATTEMPTS = 2;

/** The Secrets Manager client for calls to Groq. */
export function createSecretsClient(): SecretsManagerClient {
  const requestHandler = {
    connectionTimeout: SECRET_RESPONSE_MS,
    requestTimeout: SECRET_RESPONSE_MS,
    throwOnRequestTimeout: true,
  };
  return new SecretsManagerClient({ requestHandler, maxAttempts: SECRET_ATTEMPTS });
}
