import type { JsonObject } from '../kernel/json-object.ts';
import type { Refusal } from '../kernel/refusals.ts';
import type { GroqKeyTrace } from '../ledger/call-trace.ts';
import type { KeyCanary } from './groq-key-choice.ts';

/** Upstream's answer to a call. */
export type UpstreamResponse =
  /** Groq said no, or never saw the call: nothing is billed. */
  | { readonly kind: 'rejected'; readonly refusal: Refusal }
  /** The call was sent, and nobody knows what came of it. */
  | { readonly kind: 'lost'; readonly refusal: Refusal }
  | { readonly kind: 'complete'; readonly body: string; readonly headers: UpstreamHeaders }
  /** Whole server-sent events, raw; iteration throws when the stream is cut. */
  | { readonly kind: 'stream'; readonly events: AsyncIterable<Uint8Array>; readonly headers: UpstreamHeaders };

/** The same, and with which Groq keys it was asked for; absent where none was sent. */
export type TracedUpstreamResponse = UpstreamResponse & { readonly groqKeys?: GroqKeyTrace };

/** The headers of an upstream answer that reach the client. */
export type UpstreamHeaders = Readonly<Record<string, string>>;

/** The service that answers completions. */
export interface Upstream {
  /** Makes a call with the team's own key; ends by `deadlineEpochMs`, and never throws for what upstream does. */
  chat(call: {
    readonly team: string;
    readonly body: JsonObject;
    readonly deadlineEpochMs: number;
    /** How the team's next Groq key is begun with. */
    readonly canary: KeyCanary;
  }): Promise<TracedUpstreamResponse>;
}
