import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CACHE_MS } from '../../contract.ts';
import { Cached, type StaleOptions } from '../../kernel/cached.ts';
import { StoreError } from '../../kernel/store-error.ts';
import { VERSION_LABEL } from '../../secrets/secret-versions.ts';
import { RefusedKeys } from '../groq-key-choice.ts';
import { type GroqKey, parseGroqKey, type StagedKey, stagedQueue } from '../groq-key-versions.ts';
import { deriveGroqKeyId } from './groq-key-id.ts';

/** A secret that holds a value of another shape than `{"apiKey": "…"}`. */
export class MalformedSecret extends StoreError {}

/** A Groq key as a version of its team's secret holds it. */
export type StoredGroqKey = GroqKey & { readonly versionId: string; readonly createdAtEpochMs: number };

/** How long calls go on with a key that could not be read again, in milliseconds: Secrets Manager is back by then. */
const STALE_MS = 3_600_000;
/** How long Secrets Manager is left alone after it failed, in milliseconds. */
const RETRY_MS = 10_000;
/** How often at most it is asked for the sake of calls that have no key that Groq takes, in milliseconds. */
const REFETCH_EVERY_MS = 1_000;

const CURRENT = { VersionStage: VERSION_LABEL.current };
const PREVIOUS = { VersionStage: VERSION_LABEL.previous };

/** What this process knows of the keys of one team, each value at most 60 s old. */
export class TeamGroqKeys {
  readonly refused = new RefusedKeys();
  readonly #client: SecretsManagerClient;
  readonly #name: string;
  readonly #nowEpochMs: () => number;
  readonly #current: Cached<StoredGroqKey | undefined>;
  readonly #queue: Cached<readonly StagedKey[]>;
  readonly #stale: StaleOptions;
  #previous: { readonly of: string; readonly key: Cached<StoredGroqKey | undefined> } | undefined;
  /** The values of staged versions, which never change. */
  readonly #staged = new Map<string, StoredGroqKey | undefined>();
  #lastRefetchedAtEpochMs = 0;

  constructor(
    client: SecretsManagerClient,
    name: string,
    nowEpochMs: () => number,
    onStaleRead: (error: unknown) => void,
  ) {
    this.#client = client;
    this.#name = name;
    this.#nowEpochMs = nowEpochMs;
    this.#stale = { maxAgeMs: STALE_MS, retryMs: RETRY_MS, errorTtlMs: REFETCH_EVERY_MS, onStale: onStaleRead };
    this.#current = new Cached(CACHE_MS, nowEpochMs, () => this.#readCurrent(), this.#stale);
    // Only a call that has no other key asks for it, so that a key just staged is found.
    this.#queue = new Cached(REFETCH_EVERY_MS, nowEpochMs, () => this.#readQueue(), this.#stale);
  }

  /** The current key, or undefined when none has been set; a first one is found within a second. */
  async current(): Promise<StoredGroqKey | undefined> {
    const key = await this.#current.get();
    if (key !== undefined || this.refetchAllowedInMs() > 0) return key;
    this.refetch();
    return await this.#current.get();
  }

  /** The key before the current one, or undefined when there is none any more. */
  async previous(current: StoredGroqKey): Promise<StoredGroqKey | undefined> {
    if (this.#previous?.of !== current.versionId) {
      const key = new Cached(CACHE_MS, this.#nowEpochMs, () => this.#read(PREVIOUS), this.#stale);
      this.#previous = { of: current.versionId, key };
    }
    return await this.#previous.key.get();
  }

  /** The first key of the queue that `isExcluded` does not rule out. */
  async staged(isExcluded: (keyId: string) => boolean): Promise<StoredGroqKey | undefined> {
    const head = (await this.#queue.get()).find(({ keyId }) => !isExcluded(keyId));
    if (head === undefined) return undefined;
    if (!this.#staged.has(head.versionId)) {
      // By its version: its label goes when it is promoted, which may be now.
      this.#staged.set(head.versionId, await this.#read({ VersionId: head.versionId }));
    }
    return this.#staged.get(head.versionId);
  }

  /** How long until the current key may be fetched anew for a key that was refused, in milliseconds. */
  refetchAllowedInMs(): number {
    return Math.max(0, this.#lastRefetchedAtEpochMs + REFETCH_EVERY_MS - this.#nowEpochMs());
  }

  /** Fetches the current key anew, at most once a second, whoever asks. */
  refetch(): void {
    if (this.refetchAllowedInMs() > 0) return;
    this.#lastRefetchedAtEpochMs = this.#nowEpochMs();
    this.#current.refresh();
  }

  async #readCurrent(): Promise<StoredGroqKey | undefined> {
    const key = await this.#read(CURRENT);
    if (key === undefined) this.#lastRefetchedAtEpochMs = this.#nowEpochMs();
    return key;
  }

  async #read(which: { VersionStage: string } | { VersionId: string }): Promise<StoredGroqKey | undefined> {
    let found: { SecretString?: string | undefined; VersionId?: string | undefined; CreatedDate?: Date | undefined };
    try {
      found = await this.#client.send(new GetSecretValueCommand({ SecretId: this.#name, ...which }));
    } catch (cause) {
      if (cause instanceof ResourceNotFoundException) return undefined;
      throw new StoreError('secrets', `cannot read the secret ${this.#name}`, { cause });
    }
    const key = parseGroqKey(found.SecretString, deriveGroqKeyId);
    if (key === undefined)
      throw new MalformedSecret('secrets', `the secret ${this.#name} is not of the shape {"apiKey": "…"}`);
    return { ...key, versionId: found.VersionId ?? '', createdAtEpochMs: found.CreatedDate?.getTime() ?? 0 };
  }

  async #readQueue(): Promise<readonly StagedKey[]> {
    try {
      const { VersionIdsToStages } = await this.#client.send(new DescribeSecretCommand({ SecretId: this.#name }));
      const queue = stagedQueue(new Map(Object.entries(VersionIdsToStages ?? {})));
      const waiting = new Set(queue.map(({ versionId }) => versionId));
      for (const versionId of this.#staged.keys()) if (!waiting.has(versionId)) this.#staged.delete(versionId);
      return queue;
    } catch (cause) {
      if (cause instanceof ResourceNotFoundException) return [];
      throw new StoreError('secrets', `cannot read the versions of ${this.#name}`, { cause });
    }
  }
}
