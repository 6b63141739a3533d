import { randomUUID } from 'node:crypto';
import { normalizeBaseUrl } from '../lambda/contract.ts';
import { createAdminPorts } from '../lambda/functions/admin-ports.ts';
import { handleAdmin } from '../lambda/http/admin-routes.ts';
import { isObject, parseObject } from '../lambda/kernel/json/json-object.ts';
import { CommandError } from './command-error.ts';
import { type EnvironmentSelector, openStores } from './stores.ts';

/** Selects how the administrative API is reached: on an environment's tables, or over its endpoint with a key. */
export type AdminOptions = EnvironmentSelector & { readonly endpoint: string | undefined };

/** A request to the administrative API; undefined query values are omitted. */
export type AdminCall = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
};

/** A client of the administrative API. */
export type AdminClient = {
  readonly environmentName: string;
  /** The actor that the audit trail records. */
  readonly actor: string;
  /** True when the client authenticates with a key, which can read itself at `/api-keys/me`. */
  readonly isKey: boolean;
  /**
   * Sends a request and returns the response body.
   *
   * @throws CommandError with the API's error message.
   */
  send(call: AdminCall): Promise<Readonly<Record<string, unknown>>>;
};

/** The environment variable with the key for `--endpoint`. Arguments are visible to every user of the machine. */
const KEY_VARIABLE = 'GROQ_RBAC_KEY';
const TIMEOUT_MS = 30_000;

/**
 * Opens the administrative API: over HTTP with the key in GROQ_RBAC_KEY when an endpoint is given, otherwise in process on
 * the tables, with the current AWS credentials.
 *
 * @throws CommandError when it cannot be reached.
 */
export async function openAdminClient(options: AdminOptions): Promise<AdminClient> {
  if (options.endpoint !== undefined) return createHttpClient(options.endpoint);
  const stores = await openStores(options);
  const loadPorts = createAdminPorts(stores.dynamo, stores, Date.now);
  const actor = await stores.readActor();
  const identity = { keyId: 'cli', role: 'admin' } as const;
  return {
    environmentName: stores.environmentName,
    actor,
    isKey: false,
    async send({ method, path, query = {}, body }) {
      const { status, body: text } = await handleAdmin(await loadPorts(), {
        method,
        path,
        query: definedEntries(query),
        bodyText: body === undefined ? '' : JSON.stringify(body),
        caller: { identity, actor, source: 'cli', requestId: randomUUID(), isKey: false },
        idempotency: undefined,
      });
      return parseContent(status, text);
    },
  };
}

function createHttpClient(endpoint: string): AdminClient {
  const url = URL.parse(endpoint);
  if (url === null) throw new CommandError(`--endpoint is "${endpoint}"; it must be the gateway's base URL`);
  if (url.protocol !== 'https:' && !['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname))
    throw new CommandError('--endpoint must start with https://; otherwise the key would be sent unencrypted');
  const key = process.env[KEY_VARIABLE] ?? '';
  const [, environmentName, keyId] = /^grk_([a-z0-9-]+)_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/.exec(key) ?? [];
  if (environmentName === undefined || keyId === undefined)
    throw new CommandError(`${KEY_VARIABLE} holds no gateway key; export the key of an admin or a lead`);
  const baseUrl = normalizeBaseUrl(endpoint);
  return {
    environmentName,
    actor: keyId,
    isKey: true,
    async send({ method, path, query = {}, body }) {
      const text = new URLSearchParams(definedEntries(query)).toString();
      const response = await fetch(`${baseUrl}${path}${text === '' ? '' : `?${text}`}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        // A redirect would send the key to another host.
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }).catch((cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : cause;
        throw new CommandError(`cannot reach ${url.host}: ${reason}`, { cause });
      });
      return parseContent(response.status, await response.text());
    },
  };
}

function definedEntries(query: NonNullable<AdminCall['query']>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function parseContent(status: number, text: string): Readonly<Record<string, unknown>> {
  const content = parseObject(text);
  if (status < 300 && content !== undefined) return content;
  const error = content?.error;
  const message =
    isObject(error) && typeof error.message === 'string' ? error.message : `the gateway responded with HTTP ${status}`;
  throw new CommandError(message);
}
