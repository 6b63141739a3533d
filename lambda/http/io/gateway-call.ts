import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { KeyNameReader } from '../../access/key-store.ts';
import type { ChatCompletionPorts } from '../../chat/chat-completion.ts';
import type { RequestRecorder } from '../../chat/request-report.ts';
import type { PolicySource } from '../../policy/policy-source.ts';
import type { UsageReader } from '../../usage/ports.ts';

/** What the gateway is made of. */
export type GatewayPorts = ChatCompletionPorts & {
  readonly policies: PolicySource;
  readonly usage: UsageReader;
  readonly keyNames: KeyNameReader;
  readonly recorder: RequestRecorder;
  /** A random id that nobody can foresee. */
  readonly newId: () => string;
};

/** One request on its way: the event, and what every route needs of the moment. */
export type GatewayCall = {
  readonly ports: GatewayPorts;
  readonly event: APIGatewayProxyEvent;
  /** For people: API Gateway lets a client choose it, so nothing may depend on it. */
  readonly requestId: string;
  readonly startedAtMs: number;
  /** When an answer must be complete: before Lambda ends the function. */
  readonly deadlineEpochMs: number;
  /** Names work that must end before the function may, even if the client's connection breaks before. */
  waitUntil(work: Promise<void>): void;
};
