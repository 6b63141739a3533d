import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { KeyNameReader } from '../../access/key-store.ts';
import type { ChatCompletionPorts } from '../../chat/chat-completion.ts';
import type { RequestRecorder } from '../../chat/request-report.ts';
import type { PolicySource } from '../../policy/policy-source.ts';
import type { UsageReader } from '../../usage/ports.ts';

/** Ports of the gateway function. */
export type GatewayPorts = ChatCompletionPorts & {
  readonly policies: PolicySource;
  readonly usage: UsageReader;
  readonly keyNames: KeyNameReader;
  readonly recorder: RequestRecorder;
  /** Returns an unpredictable random id. */
  readonly newId: () => string;
};

/** A request that is being handled: the event, the ports, and the times that its routes need. */
export type GatewayCall = {
  readonly ports: GatewayPorts;
  readonly event: APIGatewayProxyEvent;
  /** For logs and messages only: API Gateway lets clients choose it. */
  readonly requestId: string;
  /** Monotonic clock. */
  readonly startedAtMs: number;
  /** Time by which the response must be complete so that the call can still be settled. */
  readonly deadlineEpochMs: number;
  /** Keeps the function running until `work` ends, even if the client disconnects earlier. */
  waitUntil(work: Promise<void>): void;
};
