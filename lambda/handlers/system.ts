import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock, Log } from '../core/ports.ts';

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

/** Steps of the SDK that do nothing here but take a tenth of a call's time: a log filter without a log, a user agent. */
const IDLE_STEPS = ['loggerMiddleware', 'getUserAgentMiddleware'];

/** The DynamoDB client of every handler. */
export function dynamoClient(): DynamoDBClient {
  const client = new DynamoDBClient({});
  for (const step of IDLE_STEPS) client.middlewareStack.remove(step);
  return client;
}
