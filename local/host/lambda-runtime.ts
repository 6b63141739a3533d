import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import type { Context } from 'aws-lambda';

/** What a streaming handler says of its answer before the body. */
type Metadata = { readonly statusCode: number; readonly headers?: Readonly<Record<string, string>> };

/** A handler of a streaming Lambda function, as this runtime calls it. */
export type StreamingHandler<Event> = (event: Event, response: ResponseStream, context: Context) => Promise<void>;

/**
 * The response stream of Lambda's streaming runtime, over an HTTP response. As on Lambda, a handler never learns that
 * its client has gone: what it writes is taken and dropped. A stream's bytes go out as they come; a whole answer goes
 * out at once at its end, with its length.
 */
export class ResponseStream extends Writable {
  readonly #response: ServerResponse;
  readonly #whole: Buffer[] = [];
  #metadata: Metadata = { statusCode: 200 };

  constructor(response: ServerResponse) {
    super();
    this.#response = response;
  }

  /** Takes the status and the headers. */
  begin(metadata: Metadata): void {
    this.#metadata = metadata;
    if (!this.#isStream() || this.#response.destroyed) return;
    this.#response.writeHead(metadata.statusCode, { ...metadata.headers });
    this.#response.flushHeaders();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (!this.#isStream()) this.#whole.push(chunk);
    // middy opens each answer by an empty write, which has nothing to send.
    else if (chunk.length > 0 && !this.#response.destroyed && !this.#response.write(chunk)) {
      this.#whenWritable(done);
      return;
    }
    done();
  }

  override _final(done: () => void): void {
    const response = this.#response;
    if (!response.destroyed) {
      const body = Buffer.concat(this.#whole);
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
