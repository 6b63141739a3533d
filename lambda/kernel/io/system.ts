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

/** One line of JSON an event, on the standard error stream, which Lambda keeps. */
export const systemLog: Log = (event, facts) => {
  console.error(JSON.stringify({ event, ...facts }));
};

/**
 * Takes the lines of metrics: on Lambda the log, as they are, since CloudWatch wants JSON from the first letter, and standard
 * output is the local host's own; to a file where the host names one.
 */
export function createMetricWriter(file?: string): (line: string) => void {
  if (file === undefined) return (line) => process.stderr.write(`${line}\n`);
  const descriptor = openSync(file, 'a');
  return (line) => writeSync(descriptor, `${line}\n`);
}

/** Steps of the SDK that do nothing here but take a tenth of a call's time: a log filter without a log, a user agent. */
const UNUSED_MIDDLEWARE = ['loggerMiddleware', 'getUserAgentMiddleware'];

/** Bounds of one try, in milliseconds; the SDK makes three. A table that hangs must not keep a caller to the deadline. */
const CONNECT_MS = 2_000;
const ANSWER_MS = 10_000;
/** A Lambda serves one request at a time; the local host serves many, each with one write at a time. */
const MAX_SOCKETS = 256;

/** The DynamoDB client of every handler. */
export function createDynamoClient(): DynamoDBClient {
  const client = new DynamoDBClient({
    // The steps of a call are put together once, not for each.
    cacheMiddleware: true,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: MAX_SOCKETS },
      httpsAgent: { maxSockets: MAX_SOCKETS },
    },
  });
  for (const step of UNUSED_MIDDLEWARE) client.middlewareStack.remove(step);
  return client;
}

/** Bounds of one try at a secret, and how many tries are made: calls wait for it, and go on with what they know. */
const SECRET_ANSWER_MS = 2_000;
const SECRET_TRIES = 2;

/** The Secrets Manager client of the calls. */
export function createSecretsClient(): SecretsManagerClient {
  const requestHandler = {
    connectionTimeout: SECRET_ANSWER_MS,
    requestTimeout: SECRET_ANSWER_MS,
    throwOnRequestTimeout: true,
  };
  return new SecretsManagerClient({ requestHandler, maxAttempts: SECRET_TRIES });
}
