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

/** A secret whose value is not of the shape `{"apiKey": "…"}`, or whose key cannot stand in a header. */
export class MalformedSecret extends StoreError {}

/** A Groq key and the version of the secret that stores it. */
export type StoredGroqKey = GroqKey & { readonly versionId: string; readonly createdAtEpochMs: number };

/** The time for which calls use a stale key while Secrets Manager fails, in milliseconds. */
const STALE_MS = 3_600_000;
/** The time between reads while Secrets Manager fails, in milliseconds. */
const RETRY_MS = 10_000;
/** The minimum interval between reads for calls without an accepted key, in milliseconds. */
const REFETCH_EVERY_MS = 1_000;

const CURRENT = { VersionStage: VERSION_LABEL.current };
const PREVIOUS = { VersionStage: VERSION_LABEL.previous };

/** The Groq keys of one team, each cached for 60 s. */
export class TeamGroqKeys {
  readonly refused = new RefusedKeys();
  readonly #client: SecretsManagerClient;
  readonly #name: string;
  readonly #nowEpochMs: () => number;
  readonly #current: Cached<StoredGroqKey | undefined>;
  readonly #queue: Cached<readonly StagedKey[]>;
  readonly #stale: StaleOptions;
  #previous: { readonly currentVersionId: string; readonly key: Cached<StoredGroqKey | undefined> } | undefined;
  /** The staged keys by version. The value of a version never changes. */
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
    // Only calls without another key read the queue, so a short cache finds a key that was just staged.
    this.#queue = new Cached(REFETCH_EVERY_MS, nowEpochMs, () => this.#readQueue(), this.#stale);
  }

  /** The current key, or undefined if none is set; a first key is found within a second. */
  async current(): Promise<StoredGroqKey | undefined> {
    const key = await this.#current.get();
    if (key !== undefined || this.refetchAllowedInMs() > 0) return key;
    this.refetch();
    return await this.#current.get();
  }

  /** The key before the current one, or undefined if there is none. */
  async previous(current: StoredGroqKey): Promise<StoredGroqKey | undefined> {
    if (this.#previous?.currentVersionId !== current.versionId) {
      const key = new Cached(CACHE_MS, this.#nowEpochMs, () => this.#read(PREVIOUS), this.#stale);
      this.#previous = { currentVersionId: current.versionId, key };
    }
    return await this.#previous.key.get();
  }

  /** The first key of the queue that is not excluded. */
  async staged(isExcluded: (keyId: string) => boolean): Promise<StoredGroqKey | undefined> {
    const head = (await this.#queue.get()).find(({ keyId }) => !isExcluded(keyId));
    if (head === undefined) return undefined;
    if (!this.#staged.has(head.versionId)) {
      // Read by version: a promotion, perhaps at this moment, removes the label.
      this.#staged.set(head.versionId, await this.#read({ VersionId: head.versionId }));
    }
    return this.#staged.get(head.versionId);
  }

  /** The time until the current key may be refetched, in milliseconds. */
  refetchAllowedInMs(): number {
    return Math.max(0, this.#lastRefetchedAtEpochMs + REFETCH_EVERY_MS - this.#nowEpochMs());
  }

  /** Refetches the current key, at most once a second across all calls. */
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

  async #read(version: { VersionStage: string } | { VersionId: string }): Promise<StoredGroqKey | undefined> {
    let found: { SecretString?: string | undefined; VersionId?: string | undefined; CreatedDate?: Date | undefined };
    try {
      found = await this.#client.send(new GetSecretValueCommand({ SecretId: this.#name, ...version }));
    } catch (cause) {
      if (cause instanceof ResourceNotFoundException) return undefined;
      throw new StoreError('secrets', `cannot read the secret ${this.#name}`, { cause });
    }
    const key = parseGroqKey(found.SecretString, deriveGroqKeyId);
    if (key === undefined)
      throw new MalformedSecret(
        'secrets',
        `the secret ${this.#name} is not of the shape {"apiKey": "…"} with a key of visible ASCII characters, without spaces or line breaks`,
      );
    return { ...key, versionId: found.VersionId ?? '', createdAtEpochMs: found.CreatedDate?.getTime() ?? 0 };
  }

  async #readQueue(): Promise<readonly StagedKey[]> {
    try {
      const { VersionIdsToStages } = await this.#client.send(new DescribeSecretCommand({ SecretId: this.#name }));
      const queue = stagedQueue(new Map(Object.entries(VersionIdsToStages ?? {})));
      const queuedIds = new Set(queue.map(({ versionId }) => versionId));
      for (const versionId of this.#staged.keys()) if (!queuedIds.has(versionId)) this.#staged.delete(versionId);
      return queue;
    } catch (cause) {
      if (cause instanceof ResourceNotFoundException) return [];
      throw new StoreError('secrets', `cannot read the versions of ${this.#name}`, { cause });
    }
  }
}
