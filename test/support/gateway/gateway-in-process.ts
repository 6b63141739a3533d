import { Writable } from 'node:stream';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { installLambdaRuntime, lambdaContext, type StreamingHandler } from '../../../local/host/lambda-runtime.ts';

installLambdaRuntime();

/** Ports of a gateway without usage and request records. */
export const NO_OP_USAGE_PORTS = {
  recorder: { record: () => {}, flushDue: async () => {} },
  usage: { listRows: async () => [] },
  keyNames: { listKeyNames: async () => new Map<string, string>() },
};

/** A whole response, and its chunks in order. */
export type CapturedResponse = { status: number; headers: Record<string, string>; text: string; chunks: string[] };

/** Builds API Gateway's event of a chat completion with an authorized key. */
export function chatEvent(
  body: unknown,
  more: Partial<APIGatewayProxyEvent> = {},
  requestId = `request-${Math.random()}`,
): APIGatewayProxyEvent {
  return {
    httpMethod: 'POST',
    path: '/openai/v1/chat/completions',
    headers: {},
    body:
      typeof body === 'string'
        ? body
        : JSON.stringify({
            model: 'openai/gpt-oss-20b',
            messages: [{ role: 'user', content: 'Hello' }],
            ...(body as object),
          }),
    isBase64Encoded: false,
    requestContext: { requestId, authorizer: { keyId: 'key1', role: 'member', team: 'chatbot' } },
    ...more,
  } as APIGatewayProxyEvent;
}

/** Invokes a streaming handler as Lambda does. `onChunk` receives each chunk of the body as it is written. */
export async function invoke(
  handler: unknown,
  event: APIGatewayProxyEvent,
  onChunk: (chunk: string) => void = () => {},
): Promise<CapturedResponse> {
  const captured: CapturedResponse = { status: 0, headers: {}, text: '', chunks: [] };
  class Capture extends Writable {
    begin(metadata: { statusCode: number; headers?: Record<string, string> }): void {
      captured.status = metadata.statusCode;
      captured.headers = metadata.headers ?? {};
    }
    override _write(chunk: Buffer, _encoding: string, done: () => void): void {
      if (chunk.length > 0) {
        captured.chunks.push(chunk.toString());
        onChunk(chunk.toString());
      }
      done();
    }
  }
  await (handler as StreamingHandler<APIGatewayProxyEvent>)(
    event,
    new Capture() as never,
    lambdaContext('gateway', 'request', 300_000),
  );
  captured.text = captured.chunks.join('');
  return captured;
}
