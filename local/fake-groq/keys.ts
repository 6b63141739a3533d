import { deriveGroqKeyId } from '../../lambda/groq/io/groq-key-id.ts';
import type { JsonObject } from '../../lambda/kernel/json/json-object.ts';

/** The requests made with one key. */
export type FakeKeyUsage = {
  /** Accepted chat completions. */
  taken: number;
  /** Requests of any kind that were refused with 401. */
  refused: number;
  /** Requests for the model list, by which a new key is tested. */
  probes: number;
  lastTakenAtEpochMs: number;
};

/** The response of a control endpoint. */
type ControlResponse = { readonly status: number; readonly content: object };

/** The maximum number of keys that are remembered, so that made-up keys cannot exhaust memory. */
const MAX_KEYS = 10_000;
const CONTROL = '/_fake/keys';
const KEY_ID = /^[0-9a-f]{12}$/;

/**
 * The keys that the fake accepts, and the usage of each, by key id: its control endpoints never carry a key. At first it
 * accepts any key. `GET /_fake/keys` returns the state; `POST /_fake/keys/only`, `/allow` and `/revoke` take
 * `{"keyIds": […]}`.
 */
export class FakeKeys {
  readonly #uses = new Map<string, FakeKeyUsage>();
  readonly #revoked = new Set<string>();
  #only: Set<string> | undefined;

  constructor(acceptedKeys: ReadonlySet<string> | undefined) {
    this.#only = acceptedKeys === undefined ? undefined : new Set([...acceptedKeys].map(deriveGroqKeyId));
  }

  /** Accepts only these keys. */
  only(keyIds: readonly string[]): void {
    this.#only = new Set(keyIds);
    for (const keyId of keyIds) this.#revoked.delete(keyId);
  }

  /** Accepts these keys too. */
  allow(...keyIds: readonly string[]): void {
    for (const keyId of keyIds) {
      this.#only?.add(keyId);
      this.#revoked.delete(keyId);
    }
  }

  /** Refuses these keys from now on; requests in flight continue. */
  revoke(...keyIds: readonly string[]): void {
    for (const keyId of keyIds) this.#revoked.add(keyId);
  }

  /** True if the key of a request is accepted. Counts the request. */
  accepts(key: string | undefined, purpose: 'chat' | 'models' | 'other'): boolean {
    if (key === undefined) return false;
    const keyId = deriveGroqKeyId(key);
    const use = this.#usageFor(keyId);
    const isAccepted = (this.#only === undefined || this.#only.has(keyId)) && !this.#revoked.has(keyId);
    if (!isAccepted) use.refused++;
    else if (purpose === 'models') use.probes++;
    else if (purpose === 'chat') {
      use.taken++;
      use.lastTakenAtEpochMs = Date.now();
    }
    return isAccepted;
  }

  /** The requests made with a key. */
  usageFor(keyId: string): FakeKeyUsage {
    return { ...this.#usageFor(keyId) };
  }

  /** The response to a control request, or undefined for any other request. */
  control(method: string, path: string, body: JsonObject | undefined): ControlResponse | undefined {
    if (path !== CONTROL && !path.startsWith(`${CONTROL}/`)) return undefined;
    if (`${method} ${path}` === `GET ${CONTROL}`) return { status: 200, content: this.#state() };
    const actions: Readonly<Record<string, (keyIds: readonly string[]) => void>> = {
      [`POST ${CONTROL}/only`]: (keyIds) => this.only(keyIds),
      [`POST ${CONTROL}/allow`]: (keyIds) => this.allow(...keyIds),
      [`POST ${CONTROL}/revoke`]: (keyIds) => this.revoke(...keyIds),
    };
    const action = actions[`${method} ${path}`];
    if (action === undefined) return { status: 404, content: { error: `unknown control: ${method} ${path}` } };
    const keyIds: unknown = body?.keyIds;
    if (!Array.isArray(keyIds) || !keyIds.every((id) => typeof id === 'string' && KEY_ID.test(id)))
      return {
        status: 400,
        content: { error: '"keyIds" must be a list of ids: 12 hex digits of the SHA-256 of a key' },
      };
    action(keyIds as readonly string[]);
    return { status: 200, content: this.#state() };
  }

  #state(): object {
    return {
      takes: this.#only === undefined ? 'any' : [...this.#only],
      revoked: [...this.#revoked],
      uses: Object.fromEntries(this.#uses),
    };
  }

  #usageFor(keyId: string): FakeKeyUsage {
    let use = this.#uses.get(keyId);
    if (use === undefined) {
      if (this.#uses.size >= MAX_KEYS) this.#uses.clear();
      use = { taken: 0, refused: 0, probes: 0, lastTakenAtEpochMs: 0 };
      this.#uses.set(keyId, use);
    }
    return use;
  }
}
