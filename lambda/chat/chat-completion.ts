import type { Identity } from '../access/identity.ts';
import type { Headroom } from '../groq/headroom.ts';
import type { Upstream, UpstreamHeaders } from '../groq/upstream.ts';
import type { Clock, Log } from '../kernel/clock.ts';
import type { PicoUsd } from '../kernel/money.ts';
import type { Refusal } from '../kernel/refusals.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { LedgerView } from '../ledger/reservation.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { Catalog } from '../pricing/catalog.ts';
import type { RecentOutputs } from './recent-outputs.ts';
import type { CallOutcome } from './request-report.ts';

/** Ports of a chat completion. */
export type ChatCompletionPorts = {
  readonly ledger: Ledger;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
  readonly outputs: RecentOutputs;
  readonly headroom: Headroom;
};

/** A chat completion that a team key requests. */
export type ChatCompletionRequest = {
  /** The reservation's id. Fresh for each request, and never chosen by a client, so that no two calls share a reservation. */
  readonly id: string;
  /** The request's id in responses and logs. */
  readonly requestId: string;
  readonly identity: Identity;
  readonly policy: TeamPolicy;
  readonly catalog: Catalog;
  readonly bodyText: string;
  /** When the response must be complete. */
  readonly deadlineEpochMs: number;
};

/** Facts about a call that are reported next to its response: limits, cost and outcome. */
export type CallMetadata = {
  /** The ledger after the last write for this call. */
  readonly view?: LedgerView;
  readonly costPicoUsd?: PicoUsd;
  readonly upstreamMs?: number;
  /** The requested model, if it is in the catalog. */
  readonly model?: string;
  /** The outcome of a call that was sent; for a stream, `relay` returns it. */
  readonly ended?: CallOutcome;
  readonly replacedModel?: string | undefined;
  /** The output limit, if the gateway chose it or lowered it to what the budget pays. */
  readonly appliedMaxTokens?: number;
  /** The client's output limit, if it was lowered. */
  readonly clampedFromTokens?: number;
};

/** The destination of a streamed response. Writes never fail, even after the client has disconnected. */
export interface ByteSink {
  write(bytes: Uint8Array): void;
}

/** The result of a chat completion. Await a stream's `relay` to its end, even after the client has disconnected. */
export type ChatCompletionResult =
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly metadata: CallMetadata }
  | {
      readonly kind: 'complete';
      readonly body: string;
      readonly headers: UpstreamHeaders;
      readonly metadata: CallMetadata;
    }
  | {
      readonly kind: 'stream';
      readonly headers: UpstreamHeaders;
      readonly metadata: CallMetadata;
      relay(sink: ByteSink): Promise<CallOutcome>;
    };
