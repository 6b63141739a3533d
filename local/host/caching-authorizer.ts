import type { IncomingMessage } from 'node:http';
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent, Context } from 'aws-lambda';
import { CACHE_MS } from '../../lambda/contract.ts';
import { INVALID_KEY_MESSAGE, KEY_CHECK_FAILED_MESSAGE, type Refusal, refuse } from '../../lambda/kernel/refusals.ts';
import { lambdaContext } from './lambda-runtime.ts';

/** The authorizer's handler. */
export type AuthorizerFunction = (
  event: APIGatewayRequestAuthorizerEvent,
  context: Context,
) => Promise<APIGatewayAuthorizerResult>;

/** The context that the authorizer passes to the functions behind it. */
export type AuthorizerContext = Readonly<Record<string, string>>;

const MAX_CACHED_RESULTS = 10_000;
const TIMEOUT_MS = 10_000;

/** Calls the authorizer and caches its result by Authorization header for 60 s, as API Gateway does. */
export class CachingAuthorizer {
  readonly #authorizer: AuthorizerFunction;
  readonly #cache = new Map<string, { readonly context: AuthorizerContext; readonly expiresAtEpochMs: number }>();

  constructor(authorizer: AuthorizerFunction) {
    this.#authorizer = authorizer;
  }

  /** Returns the context of the request's key, or a refusal. */
  async authorize(
    request: IncomingMessage,
    requestId: string,
  ): Promise<{ readonly context: AuthorizerContext } | Refusal> {
    const unauthorized = refuse('invalid_api_key', INVALID_KEY_MESSAGE);
    const header = request.headers.authorization;
    // API Gateway refuses a request without its identity source before it calls the authorizer.
    if (header === undefined || header === '') return unauthorized;
    const cached = this.#cache.get(header);
    if (cached !== undefined && cached.expiresAtEpochMs > Date.now()) return cached;
    try {
      const result = await this.#invoke(request, header, requestId);
      return this.#store(header, result.context ?? {});
    } catch (error) {
      if (error instanceof Error && error.message === 'Unauthorized') return unauthorized;
      return refuse('gateway_unavailable', KEY_CHECK_FAILED_MESSAGE, { retryAfterMs: 1_000 });
    }
  }

  async #invoke(request: IncomingMessage, header: string, requestId: string): Promise<APIGatewayAuthorizerResult> {
    const event = {
      type: 'REQUEST',
      methodArn: `arn:aws:execute-api:local:000000000000:local/local/${request.method}${request.url}`,
      headers: { Authorization: header },
      requestContext: { identity: { sourceIp: request.socket.remoteAddress } },
    };
    return await this.#authorizer(
      event as unknown as APIGatewayRequestAuthorizerEvent,
      lambdaContext('authorizer', requestId, TIMEOUT_MS),
    );
  }

  #store(header: string, resultContext: object): { readonly context: AuthorizerContext } {
    const context = Object.fromEntries(Object.entries(resultContext).map(([name, value]) => [name, String(value)]));
    if (this.#cache.size >= MAX_CACHED_RESULTS) this.#cache.clear();
    this.#cache.set(header, { context, expiresAtEpochMs: Date.now() + CACHE_MS });
    return { context };
  }
}
