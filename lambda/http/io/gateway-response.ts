import type { Readable } from 'node:stream';
import type { CallOutcome } from '../../chat/request-report.ts';
import { type Refusal, renderRefusal } from '../../kernel/refusals.ts';

/** Facts about a response that the client does not get but logs and metrics need. */
export type ReportFields = {
  readonly refusal?: Refusal | undefined;
  readonly model?: string | undefined;
  readonly ended?: CallOutcome | undefined;
  readonly isReaderCutOff?: boolean;
};

/** A response of the gateway: API Gateway's proxy response with a body that may be a stream. */
export type GatewayResponse = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Readable;
  /** Removed before the response is sent. Absent where nothing is recorded, or where the route records by itself. */
  readonly reportFields?: ReportFields;
};

/** Renders a refusal. Its own headers take precedence over `headers`. */
export function refusalResponse(refusal: Refusal, headers: Readonly<Record<string, string>> = {}): GatewayResponse {
  const rendered = renderRefusal(refusal);
  return {
    statusCode: rendered.status,
    headers: { ...headers, ...rendered.headers },
    body: rendered.body,
    reportFields: { refusal },
  };
}

/** Renders an object as a JSON response with status 200. */
export function jsonResponse(content: object): GatewayResponse {
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(content) };
}
