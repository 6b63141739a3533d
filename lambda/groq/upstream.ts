import type { JsonObject } from '../kernel/json/json-object.ts';
import type { Refusal } from '../kernel/refusals.ts';
import type { GroqKeyTrace } from '../ledger/call-trace.ts';
import type { KeyCanary } from './groq-key-choice.ts';

/** A chat completion to send upstream. */
export type ChatCall = {
  readonly team: string;
  readonly body: JsonObject;
  readonly deadlineEpochMs: number;
  /** The rollout of the team's new Groq key. */
  readonly canary: KeyCanary;
};

/** The upstream's response to a call. */
export type UpstreamResponse =
  /** Groq refused the call or never received it: nothing is billed. */
  | { readonly kind: 'rejected'; readonly refusal: Refusal }
  /** The call was sent, and its outcome is unknown. */
  | { readonly kind: 'lost'; readonly refusal: Refusal }
  | { readonly kind: 'complete'; readonly body: string; readonly headers: UpstreamHeaders }
  /** Whole server-sent events as raw bytes. Iteration throws a {@link StreamCut} when the stream breaks off. */
  | { readonly kind: 'stream'; readonly events: AsyncIterable<Uint8Array>; readonly headers: UpstreamHeaders };

/** A response and the Groq keys that the call was sent with; absent if it was never sent. */
export type TracedUpstreamResponse = UpstreamResponse & { readonly groqKeys?: GroqKeyTrace };

/** The headers of an upstream response that the client receives. */
export type UpstreamHeaders = Readonly<Record<string, string>>;

/** A stream that broke off; `rest` is the event that had begun. */
export class StreamCut extends Error {
  override readonly name = 'StreamCut';
  readonly rest: Uint8Array;

  constructor(rest: Uint8Array, cause: unknown) {
    super('the stream broke off', { cause });
    this.rest = rest;
  }
}

/** The service that answers chat completions. */
export interface Upstream {
  /** Makes a call with the team's own key. Returns by `deadlineEpochMs`, and never throws for an upstream failure. */
  chat(call: ChatCall): Promise<TracedUpstreamResponse>;
}
