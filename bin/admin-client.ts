import { randomUUID } from 'node:crypto';
import { normalizeBaseUrl } from '../lambda/contract.ts';
import { createAdminPorts } from '../lambda/functions/admin-ports.ts';
import { handleAdmin } from '../lambda/http/admin-routes.ts';
import { isObject, parseObject } from '../lambda/kernel/json-object.ts';
import { CommandError } from './deployment.ts';
import { type EnvironmentSelector, openStores } from './stores.ts';

/** Where a command administers: on an environment's tables, or by a key over its endpoint. */
export type AdminOptions = EnvironmentSelector & { readonly endpoint: string | undefined };

/** One request of the administrative API; values that are undefined are left out. */
export type AdminCall = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
};

/** The administrative API, wherever it is reached. */
export type AdminClient = {
  readonly environmentName: string;
  /** Whom the audit trail will name. */
  readonly actor: string;
  /** Whether that is a key, which can ask about itself as `me`. */
  readonly isKey: boolean;
  /**
   * The answer's content.
   *
   * @throws CommandError with the refusal's own words.
   */
  send(call: AdminCall): Promise<Readonly<Record<string, unknown>>>;
};

/** Where the key for `--endpoint` is: never among the arguments, which every user of a machine can list. */
const KEY_VARIABLE = 'GROQ_RBAC_KEY';
const TIMEOUT_MS = 30_000;

/**
 * Opens the administrative API: over HTTP with the key in GROQ_RBAC_KEY if an endpoint is named, or else on the tables
 * themselves, with the AWS credentials at hand.
 *
 * @throws CommandError when it cannot be reached.
 */
export async function openAdminClient(where: AdminOptions): Promise<AdminClient> {
  if (where.endpoint !== undefined) return createHttpClient(where.endpoint);
  const stores = await openStores(where);
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
    throw new CommandError('--endpoint must begin with https://, or the key would be sent in the clear');
  const key = process.env[KEY_VARIABLE] ?? '';
  const [, environmentName, keyId] = /^grk_([a-z0-9-]+)_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/.exec(key) ?? [];
  if (environmentName === undefined || keyId === undefined)
    throw new CommandError(`${KEY_VARIABLE} has no key of the gateway's; export an admin's or a lead's`);
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
        // The key is for this address alone.
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }).catch((cause: unknown) => {
        throw new CommandError(`${url.host} cannot be reached: ${cause instanceof Error ? cause.message : cause}`, {
          cause,
        });
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
    isObject(error) && typeof error.message === 'string' ? error.message : `the answer was HTTP ${status}`;
  throw new CommandError(message);
}
