import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, type JsonObject } from '../../lambda/kernel/json/json-object.ts';
import type { Completion } from './completion.ts';
import { applyUsageFault, buildChunks, buildResponse } from './completion-response.ts';
import type { Fault } from './faults.ts';

/** A completion to write, and the fault to apply to it. */
type ChatAnswer = {
  readonly id: string;
  readonly completion: Completion;
  readonly fault: Fault['kind'] | undefined;
};

const MODEL_ERROR = { error: { message: 'The model failed', type: 'server_error', code: 'model_error' } };

/** Writes a whole completion. */
export function writeWhole(response: ServerResponse, { id, completion, fault }: ChatAnswer): void {
  const text = JSON.stringify(buildResponse({ id, completion, usage: applyUsageFault(completion, fault) }));
  response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': id });
  if (fault === 'cut' || fault === 'error-chunk') {
    response.write(text.slice(0, text.length / 2), () => response.destroy());
  } else response.end(text);
}

/** Writes a completion as a stream of server-sent events. */
export async function writeStream(
  response: ServerResponse,
  { id, completion, fault }: ChatAnswer,
  body: JsonObject,
  chunkIntervalMs: number | undefined,
): Promise<void> {
  const options = isObject(body.stream_options) ? body.stream_options : {};
  const usage = applyUsageFault(completion, fault);
  const { head, pieces, tail } = buildChunks({ id, completion, usage }, options.include_usage === true);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': id });
  const isBroken = fault === 'cut' || fault === 'error-chunk';
  const chunks = isBroken ? [head, ...pieces.slice(0, Math.ceil(pieces.length / 2))] : [head, ...pieces, ...tail];
  for (const chunk of chunks) {
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    if (chunkIntervalMs !== undefined) await sleep(chunkIntervalMs);
  }
  if (fault === 'cut') {
    // Flush the bytes so far before the connection breaks.
    response.write('', () => response.destroy());
  } else if (fault === 'error-chunk') {
    response.end(`data: ${JSON.stringify(MODEL_ERROR)}\n\n`);
  } else response.end(fault === 'no-done' ? '' : 'data: [DONE]\n\n');
}

/** Sends a JSON response. */
export function sendJson(
  response: ServerResponse,
  status: number,
  content: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(content));
}
