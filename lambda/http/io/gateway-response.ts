import type { Readable } from 'node:stream';
import type { CallOutcome } from '../../chat/request-report.ts';
import { type Refusal, renderRefusal } from '../../kernel/refusals.ts';

/** What an answer tells those who watch, beside what the caller gets. */
export type ReportFields = {
  readonly refusal?: Refusal | undefined;
  readonly model?: string | undefined;
  readonly ended?: CallOutcome | undefined;
};

/** A handler's answer: API Gateway's proxy response, with a body that may be a stream. */
export type GatewayResponse = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Readable;
  /** For those who watch; taken off before the answer goes out. Absent where nobody watches, or once they have been told. */
  readonly reportFields?: ReportFields;
};

/** A refusal as an answer. */
export function refusalResponse(refusal: Refusal, headers: Readonly<Record<string, string>> = {}): GatewayResponse {
  const rendered = renderRefusal(refusal);
  return {
    statusCode: rendered.status,
    headers: { ...headers, ...rendered.headers },
    body: rendered.body,
    reportFields: { refusal },
  };
}

/** An object as a JSON answer. */
export function jsonResponse(content: object): GatewayResponse {
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(content) };
}
