import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import type { Context } from 'aws-lambda';

/** Status and headers of a streamed response. */
type Metadata = { readonly statusCode: number; readonly headers?: Readonly<Record<string, string>> };

/** Handler of a streaming Lambda function. */
export type StreamingHandler<Event> = (event: Event, response: ResponseStream, context: Context) => Promise<void>;

/**
 * The response stream of Lambda's streaming runtime, on top of an HTTP response. As on Lambda, the handler does not notice
 * that its client has disconnected: further writes are discarded. Event streams are sent as they are written; any other
 * body is buffered and sent at the end with its content length.
 */
export class ResponseStream extends Writable {
  readonly #response: ServerResponse;
  readonly #buffered: Buffer[] = [];
  #metadata: Metadata = { statusCode: 200 };

  constructor(response: ServerResponse) {
    super();
    this.#response = response;
  }

  /** Sets the status and the headers. Those of an event stream are sent at once. */
  begin(metadata: Metadata): void {
    this.#metadata = metadata;
    if (!this.#isStream() || this.#response.destroyed) return;
    this.#response.writeHead(metadata.statusCode, { ...metadata.headers });
    this.#response.flushHeaders();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (!this.#isStream()) this.#buffered.push(chunk);
    // middy starts each response with an empty write.
    else if (chunk.length > 0 && !this.#response.destroyed && !this.#response.write(chunk)) {
      this.#whenWritable(done);
      return;
    }
    done();
  }

  override _final(done: () => void): void {
    const response = this.#response;
    if (!response.destroyed) {
      const body = Buffer.concat(this.#buffered);
      if (!this.#isStream())
        response.writeHead(this.#metadata.statusCode, { ...this.#metadata.headers, 'content-length': body.length });
      response.end(body);
    }
    done();
  }

  #isStream(): boolean {
    return this.#metadata.headers?.['content-type']?.startsWith('text/event-stream') === true;
  }

  #whenWritable(proceed: () => void): void {
    const response = this.#response;
    const once = () => {
      response.off('drain', once);
      response.off('close', once);
      proceed();
    };
    response.once('drain', once);
    response.once('close', once);
  }
}

/** Installs Lambda's global `awslambda`. Call it before the module of a streaming handler is loaded. */
export function installLambdaRuntime(): void {
  const awslambda = {
    streamifyResponse: <H>(handler: H): H => handler,
    HttpResponseStream: {
      from(stream: ResponseStream, metadata: Metadata): ResponseStream {
        stream.begin(metadata);
        return stream;
      },
    },
  };
  Object.assign(globalThis, { awslambda });
}

/** Creates the context of one invocation with a timeout. */
export function lambdaContext(functionName: string, requestId: string, timeoutMs: number): Context {
  const endsAtMs = performance.now() + timeoutMs;
  return {
    functionName,
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => Math.max(0, endsAtMs - performance.now()),
    callbackWaitsForEmptyEventLoop: false,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${functionName}`,
    memoryLimitInMB: '512',
    logGroupName: functionName,
    logStreamName: 'local',
    done() {},
    fail() {},
    succeed() {},
  };
}
