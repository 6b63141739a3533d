import middy from '@middy/core';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';
import { ConfigError } from '../../kernel/config-error.ts';
import { systemClock } from '../../kernel/io/system.ts';

/** What a custom resource came to: the attributes that the template may read. */
export type ResourceData = Readonly<Record<string, string>>;

/** Makes or changes a resource of one kind. An error fails the deployment, which then rolls back. */
export type ResourceHandler = (event: CloudFormationCustomResourceEvent) => Promise<ResourceData>;

/** The most characters of a reason: CloudFormation takes 4,096 bytes of an answer in all. */
const MAX_REASON = 1_000;
const MAX_RESPONSE_ATTEMPTS = 3;
const RESPONSE_TIMEOUT_MS = 10_000;
/** IAM takes some seconds to know of a right it has just been told of: how often it is asked again, and when. */
const MAX_DENIED_ATTEMPTS = 7;
const DENIED_RETRY_DELAY_MS = 5_000;

/** Makes a function that serves custom resources, by their kind; it answers CloudFormation whatever happens. */
export function createCustomResourceHandler(
  handlers: Readonly<Record<string, ResourceHandler>>,
  log: Log,
  put: typeof fetch = fetch,
  sleep: (ms: number) => Promise<void> = systemClock.sleep,
) {
  return middy<CloudFormationCustomResourceEvent, void>({ timeoutEarlyInMillis: 0 }).handler(async (event) => {
    await answer(event, await runHandler(handlers, event, log, sleep), put);
  });
}

async function runHandler(
  handlers: Readonly<Record<string, ResourceHandler>>,
  event: CloudFormationCustomResourceEvent,
  log: Log,
  sleep: (ms: number) => Promise<void>,
): Promise<object> {
  const handler = handlers[event.ResourceType];
  try {
    if (handler === undefined) throw new ConfigError(`there is no resource of the type ${event.ResourceType}`);
    return { Status: 'SUCCESS', Data: await retryWhileDenied(() => handler(event), sleep) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.name}` : '';
    log('custom_resource_failed', { type: event.ResourceType, request: event.RequestType, error: name, message });
    return { Status: 'FAILED', Reason: `${message}${cause}`.slice(0, MAX_REASON) };
  }
}

/** Does what a role has perhaps just been allowed to do. Every act of a custom resource may be repeated. */
async function retryWhileDenied(
  act: () => Promise<ResourceData>,
  sleep: (ms: number) => Promise<void>,
): Promise<ResourceData> {
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const isDenied = cause instanceof Error && cause.name.startsWith('AccessDenied');
      if (!isDenied || tries >= MAX_DENIED_ATTEMPTS) throw error;
      await sleep(DENIED_RETRY_DELAY_MS);
    }
  }
}

async function answer(event: CloudFormationCustomResourceEvent, outcome: object, put: typeof fetch): Promise<void> {
  const { StackId, RequestId, LogicalResourceId } = event;
  // The same id at each change: a new one would make CloudFormation delete the old resource.
  const PhysicalResourceId = 'PhysicalResourceId' in event ? event.PhysicalResourceId : LogicalResourceId;
  const body = JSON.stringify({ ...outcome, StackId, RequestId, LogicalResourceId, PhysicalResourceId });
  for (let tries = 1; ; tries++) {
    try {
      const headers = { 'content-type': '', 'content-length': String(Buffer.byteLength(body)) };
      const signal = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
      const { ok, status } = await put(event.ResponseURL, { method: 'PUT', headers, body, signal });
      if (ok) return;
      throw new Error(`CloudFormation's address answered ${status}`);
    } catch (error) {
      if (tries >= MAX_RESPONSE_ATTEMPTS) throw error;
    }
  }
}
