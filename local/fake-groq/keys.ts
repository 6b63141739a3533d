import { deriveGroqKeyId } from '../../lambda/groq/io/groq-key-id.ts';
import type { JsonObject } from '../../lambda/kernel/json-object.ts';

/** What was asked for with one key. */
export type FakeKeyUsage = {
  /** Completions. */
  taken: number;
  /** Requests of any kind that were answered by 401. */
  refused: number;
  /** Looks at the models, which is how a key is tried. */
  probes: number;
  lastTakenAtEpochMs: number;
};

/** A control's answer. */
type Answer = { readonly status: number; readonly content: object };

/** How many keys are remembered: whoever sends made-up ones must not fill the memory. */
const MAX_KEYS = 10_000;
const CONTROL = '/_fake/keys';
const KEY_ID = /^[0-9a-f]{12}$/;

/**
 * The keys that the fake takes, and what each was used for; by their ids, so that its controls carry no key. At first it
 * takes any. `GET /_fake/keys` tells; `POST /_fake/keys/only`, `/allow` and `/revoke` take `{"keyIds": […]}`.
 */
export class FakeKeys {
  readonly #uses = new Map<string, FakeKeyUsage>();
  readonly #revoked = new Set<string>();
  #only: Set<string> | undefined;

  constructor(acceptedKeys: ReadonlySet<string> | undefined) {
    this.#only = acceptedKeys === undefined ? undefined : new Set([...acceptedKeys].map(deriveGroqKeyId));
  }

  /** Takes these keys and no others. */
  only(keyIds: readonly string[]): void {
    this.#only = new Set(keyIds);
    for (const keyId of keyIds) this.#revoked.delete(keyId);
  }

  /** Takes keys from now on. */
  allow(...keyIds: readonly string[]): void {
    for (const keyId of keyIds) {
      this.#only?.add(keyId);
      this.#revoked.delete(keyId);
    }
  }

  /** Takes keys no more; what is being answered goes on. */
  revoke(...keyIds: readonly string[]): void {
    for (const keyId of keyIds) this.#revoked.add(keyId);
  }

  /** Whether a request's key is taken; counts it. */
  accepts(key: string | undefined, purpose: 'chat' | 'models' | 'other'): boolean {
    if (key === undefined) return false;
    const keyId = deriveGroqKeyId(key);
    const use = this.#usageFor(keyId);
    const isTaken = (this.#only === undefined || this.#only.has(keyId)) && !this.#revoked.has(keyId);
    if (!isTaken) use.refused++;
    else if (purpose === 'models') use.probes++;
    else if (purpose === 'chat') {
      use.taken++;
      use.lastTakenAtEpochMs = Date.now();
    }
    return isTaken;
  }

  /** What a key was used for. */
  usageFor(keyId: string): FakeKeyUsage {
    return { ...this.#usageFor(keyId) };
  }

  /** Answers a control, or undefined for any other request. */
  control(method: string, path: string, body: JsonObject | undefined): Answer | undefined {
    if (path !== CONTROL && !path.startsWith(`${CONTROL}/`)) return undefined;
    if (`${method} ${path}` === `GET ${CONTROL}`) return { status: 200, content: this.#state() };
    const acts: Readonly<Record<string, (keyIds: readonly string[]) => void>> = {
      [`POST ${CONTROL}/only`]: (keyIds) => this.only(keyIds),
      [`POST ${CONTROL}/allow`]: (keyIds) => this.allow(...keyIds),
      [`POST ${CONTROL}/revoke`]: (keyIds) => this.revoke(...keyIds),
    };
    const act = acts[`${method} ${path}`];
    if (act === undefined) return { status: 404, content: { error: `unknown control: ${method} ${path}` } };
    const keyIds: unknown = body?.keyIds;
    if (!Array.isArray(keyIds) || !keyIds.every((id) => typeof id === 'string' && KEY_ID.test(id)))
      return {
        status: 400,
        content: { error: '"keyIds" must be a list of ids: 12 hex digits of the SHA-256 of a key' },
      };
    act(keyIds as readonly string[]);
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
