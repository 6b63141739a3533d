import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** A fault of one write of a step; writes count from 1. */
export type Fault =
  /** The process dies after that many writes. */
  | { readonly kind: 'crash'; readonly after: number }
  /** The write succeeds, its reply is lost, and the SDK retries. */
  | { readonly kind: 'lost reply'; readonly at: number }
  /** The write reaches DynamoDB twice. */
  | { readonly kind: 'duplicated'; readonly at: number };

const MAX_RETRIES = 3;

/** The death of a process. */
export class SimulatedCrash extends Error {
  override readonly name = 'Crash';
}

/** A client that injects faults into writes. */
export class FaultyClient {
  readonly client: DynamoDBClient;
  #fault: Fault | undefined;
  #writes = 0;

  constructor(endpoint: string) {
    this.client = new DynamoDBClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      // Retries have no delay.
      retryStrategy: {
        acquireInitialRetryToken: async () => ({ getRetryCount: () => 0, getRetryDelay: () => 0 }),
        refreshRetryTokenForRetry: async (token, { errorType }) => {
          const tries = token.getRetryCount() + 1;
          if (errorType === 'CLIENT_ERROR' || tries > MAX_RETRIES) throw new Error('not tried again');
          return { getRetryCount: () => tries, getRetryDelay: () => 0 };
        },
        recordSuccess: () => {},
      },
    });
    this.client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'GetItemCommand') {
          this.#crashIfDue();
          return await next(args);
        }
        this.#crashIfDue();
        const write = ++this.#writes;
        const fault = this.#fault;
        if (fault?.kind === 'duplicated' && fault.at === write) await next(args).catch(() => undefined);
        const answer = await next(args);
        if (fault?.kind === 'lost reply' && fault.at === write)
          throw Object.assign(new Error('the reply was lost'), { name: 'TimeoutError', $retryable: {} });
        return answer;
      },
      { step: 'finalizeRequest', name: 'fault', priority: 'low' },
    );
  }

  /** Injects a fault into the next writes; undefined: none. */
  injectFault(fault: Fault | undefined): void {
    this.#fault = fault;
    this.#writes = 0;
  }

  #crashIfDue(): void {
    if (this.#fault?.kind === 'crash' && this.#writes >= this.#fault.after)
      throw new SimulatedCrash('the process is gone');
  }
}
