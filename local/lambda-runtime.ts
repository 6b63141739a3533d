import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import type { Context } from 'aws-lambda';

/** What a streaming handler says of its answer before the body. */
type Metadata = { readonly statusCode: number; readonly headers?: Readonly<Record<string, string>> };

/** A handler of a streaming Lambda function, as this runtime calls it. */
export type StreamingHandler<Event> = (event: Event, response: ResponseStream, context: Context) => Promise<void>;

/**
 * The response stream of Lambda's streaming runtime, over an HTTP response. As on Lambda, a handler never learns that
 * its client has gone: what it writes is taken and dropped.
 */
export class ResponseStream extends Writable {
  readonly #response: ServerResponse;
  #metadata: Metadata | undefined;

  constructor(response: ServerResponse) {
    super();
    this.#response = response;
  }

  /** Takes the status and the headers. */
  begin(metadata: Metadata): void {
    this.#metadata = metadata;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const response = this.#response;
    const isStream = this.#metadata?.headers?.['content-type']?.startsWith('text/event-stream') === true;
    // middy opens each answer by an empty write; only a stream's headers must not wait for its first byte.
    const isEarly = chunk.length === 0 && !isStream;
    if (response.destroyed || isEarly || this.#send(chunk)) {
      done();
      return;
    }
    const proceed = () => {
      response.off('drain', proceed);
      response.off('close', proceed);
      done();
    };
    response.once('drain', proceed);
    response.once('close', proceed);
  }

  #send(chunk: Buffer): boolean {
    this.#sendHead();
    if (chunk.length > 0) return this.#response.write(chunk);
    this.#response.flushHeaders();
    return true;
  }

  override _final(done: () => void): void {
    if (!this.#response.destroyed) {
      this.#sendHead();
      this.#response.end();
    }
    done();
  }

  #sendHead(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(this.#metadata?.statusCode ?? 200, { ...this.#metadata?.headers });
  }
}

/** Puts Lambda's global `awslambda` in place; to be called before a streaming handler's module is loaded. */
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

/** The context of one invocation that may last `timeoutMs`. */
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
