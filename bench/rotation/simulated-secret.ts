import { randomInt, randomUUID } from 'node:crypto';
import type { DescribeSecretResponse, ListSecretVersionIdsResponse } from '@aws-sdk/client-secrets-manager';
import { stagedLabel } from '../../lambda/groq/groq-key-versions.ts';
import { deriveGroqKeyId } from '../../lambda/groq/io/groq-key-id.ts';
import { VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';
import type { LocalSecretsManager } from '../../local/secrets-manager/secrets-manager.ts';

/** A unique Groq key. */
export type TestKey = { readonly apiKey: string; readonly keyId: string; readonly versionId: string };

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** Characters after the prefix, as in Groq's keys. */
const SECRET_LENGTH = 52;

/** Creates a key in Groq's format, with a random secret that tests can search for in any output. */
export function newTestKey(): TestKey {
  const secret = Array.from({ length: SECRET_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  const apiKey = `gsk_${secret}`;
  return { apiKey, keyId: deriveGroqKeyId(apiKey), versionId: randomUUID() };
}

/** A team's secret, with the changes that operators and rotations make to it. */
export class SimulatedSecret {
  readonly #manager: LocalSecretsManager;
  readonly #name: string;

  constructor(manager: LocalSecretsManager, name: string) {
    this.#manager = manager;
    this.#name = name;
    manager.handle('CreateSecret', { Name: name });
  }

  /** Stores a key as the current one, as an operator does for a team's first key. */
  set(key: TestKey): void {
    this.#put(key, VERSION_LABEL.current);
  }

  /** Adds a key to the queue. */
  stage(key: TestKey, atEpochMs: number): void {
    this.#put(key, stagedLabel(atEpochMs, key.keyId));
  }

  /** Runs the first three steps of a rotation: the next key is stored and tested, and not yet in use. */
  begin(key: TestKey): TestKey {
    const begun = { ...key, versionId: randomUUID() };
    this.#put(begun, VERSION_LABEL.pending);
    return begun;
  }

  /** Runs the last step: the next key becomes current. */
  finish(key: TestKey): void {
    // Tests count the gateways' requests, so this uses one that no gateway makes.
    const listed = this.#manager.handle('ListSecretVersionIds', { SecretId: this.#name });
    const { Versions = [] } = listed as ListSecretVersionIdsResponse;
    const current = Versions.find(({ VersionStages }) => VersionStages?.includes(VERSION_LABEL.current));
    this.#manager.handle('UpdateSecretVersionStage', {
      SecretId: this.#name,
      VersionStage: VERSION_LABEL.current,
      MoveToVersionId: key.versionId,
      RemoveFromVersionId: current?.VersionId,
    });
  }

  /** True when a version is the current one. */
  isCurrent(versionId: string): boolean {
    const described = this.#manager.handle('DescribeSecret', { SecretId: this.#name }) as DescribeSecretResponse;
    return described.VersionIdsToStages?.[versionId]?.includes(VERSION_LABEL.current) === true;
  }

  #put({ apiKey, keyId, versionId }: TestKey, label: string): void {
    this.#manager.handle('PutSecretValue', {
      SecretId: this.#name,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify({ apiKey, keyId }),
      VersionStages: [label],
    });
  }
}
