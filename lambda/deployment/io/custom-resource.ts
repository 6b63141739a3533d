import middy from '@middy/core';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';
import { ConfigError } from '../../kernel/config-error.ts';
import { systemClock } from '../../kernel/io/system.ts';

/** Attributes of a custom resource, which the template can read. */
export type ResourceData = Readonly<Record<string, string>>;

/** Creates, updates or deletes a resource. An error fails the deployment, which then rolls back. */
export type ResourceHandler = (event: CloudFormationCustomResourceEvent) => Promise<ResourceData>;

/** Limit of a failure's reason. CloudFormation accepts 4,096 bytes in the whole response. */
const MAX_REASON_CHARACTERS = 1_000;
const MAX_RESPONSE_ATTEMPTS = 3;
const RESPONSE_TIMEOUT_MS = 10_000;
/** IAM is eventually consistent: permissions that a deployment has just granted can take some seconds to work. */
const MAX_DENIED_ATTEMPTS = 7;
const DENIED_RETRY_DELAY_MS = 5_000;

/** Creates a Lambda handler of custom resources, by resource type. It responds to CloudFormation in every case. */
export function createCustomResourceHandler(
  handlers: Readonly<Record<string, ResourceHandler>>,
  log: Log,
  put: typeof fetch = fetch,
  sleep: (ms: number) => Promise<void> = systemClock.sleep,
) {
  return middy<CloudFormationCustomResourceEvent, void>({ timeoutEarlyInMillis: 0 }).handler(async (event) => {
    await respond(event, await runHandler(handlers, event, log, sleep), put);
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
    if (handler === undefined) throw new ConfigError(`unknown resource type ${event.ResourceType}`);
    return { Status: 'SUCCESS', Data: await retryWhileDenied(() => handler(event), sleep) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.name}` : '';
    log('custom_resource_failed', { type: event.ResourceType, request: event.RequestType, error: name, message });
    return { Status: 'FAILED', Reason: `${message}${cause}`.slice(0, MAX_REASON_CHARACTERS) };
  }
}

/** Retries while access is denied. All operations of custom resources are idempotent. */
async function retryWhileDenied(
  work: () => Promise<ResourceData>,
  sleep: (ms: number) => Promise<void>,
): Promise<ResourceData> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const isDenied = cause instanceof Error && cause.name.startsWith('AccessDenied');
      if (!isDenied || attempt >= MAX_DENIED_ATTEMPTS) throw error;
      await sleep(DENIED_RETRY_DELAY_MS);
    }
  }
}

async function respond(event: CloudFormationCustomResourceEvent, outcome: object, put: typeof fetch): Promise<void> {
  const { StackId, RequestId, LogicalResourceId } = event;
  // A stable id: if it changed, CloudFormation would delete the old resource.
  const PhysicalResourceId = 'PhysicalResourceId' in event ? event.PhysicalResourceId : LogicalResourceId;
  const body = JSON.stringify({ ...outcome, StackId, RequestId, LogicalResourceId, PhysicalResourceId });
  for (let attempt = 1; ; attempt++) {
    try {
      const headers = { 'content-type': '', 'content-length': String(Buffer.byteLength(body)) };
      const signal = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
      const { ok, status } = await put(event.ResponseURL, { method: 'PUT', headers, body, signal });
      if (ok) return;
      throw new Error(`CloudFormation's response URL returned ${status}`);
    } catch (error) {
      if (attempt >= MAX_RESPONSE_ATTEMPTS) throw error;
    }
  }
}
