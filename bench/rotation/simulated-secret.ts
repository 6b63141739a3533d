import { randomInt, randomUUID } from 'node:crypto';
import type { ListSecretVersionIdsResponse } from '@aws-sdk/client-secrets-manager';
import { stagedLabel } from '../../lambda/groq/groq-key-versions.ts';
import { deriveGroqKeyId } from '../../lambda/groq/io/groq-key-id.ts';
import { VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';
import type { LocalSecretsManager } from '../../local/secrets-manager/secrets-manager.ts';

/** A Groq key that nobody else has. */
export type TestKey = { readonly apiKey: string; readonly keyId: string; readonly versionId: string };

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** How many characters of a key are its own: as many as in Groq's. */
const SECRET_LENGTH = 52;

/** Makes a key of Groq's shape, whose secret part looks like nothing else that is written anywhere. */
export function newTestKey(): TestKey {
  const secret = Array.from({ length: SECRET_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  const apiKey = `gsk_${secret}`;
  return { apiKey, keyId: deriveGroqKeyId(apiKey), versionId: randomUUID() };
}

/** A team's secret, and what operators and a rotation do to it. */
export class SimulatedSecret {
  readonly #manager: LocalSecretsManager;
  readonly #name: string;

  constructor(manager: LocalSecretsManager, name: string) {
    this.#manager = manager;
    this.#name = name;
    manager.handle('CreateSecret', { Name: name });
  }

  /** Puts a key in as the current one, as an operator sets the first. */
  set(key: TestKey): void {
    this.#put(key, VERSION_LABEL.current);
  }

  /** Puts a key in the queue. */
  stage(key: TestKey, atEpochMs: number): void {
    this.#put(key, stagedLabel(atEpochMs, key.keyId));
  }

  /** The first three steps of a rotation: the next key is there, and proven, and nobody uses it yet. */
  begin(key: TestKey): TestKey {
    const begun = { ...key, versionId: randomUUID() };
    this.#put(begun, VERSION_LABEL.pending);
    return begun;
  }

  /** The last step: the next key is the current one. */
  finish(key: TestKey): void {
    // By a request that no gateway makes, since tests count theirs.
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

  #put({ apiKey, keyId, versionId }: TestKey, label: string): void {
    this.#manager.handle('PutSecretValue', {
      SecretId: this.#name,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify({ apiKey, keyId }),
      VersionStages: [label],
    });
  }
}
