import { groqSecretName } from '../../../lambda/contract.ts';
import { type GroqKey, stagedLabel, stagedQueue } from '../../../lambda/groq/groq-key-versions.ts';
import { deriveGroqKeyId } from '../../../lambda/groq/io/groq-key-id.ts';
import type { GroqKeyEvent } from '../../../lambda/groq-keys/groq-key-events.ts';
import type { GroqKeyPorts } from '../../../lambda/groq-keys/groq-key-ports.ts';
import { groqSecret } from '../../../lambda/groq-keys/io/groq-secret.ts';
import { rotateGroqKey } from '../../../lambda/groq-keys/rotate-groq-key.ts';
import type { AuditEntry } from '../../../lambda/kernel/audit-log.ts';
import type { GroqKeySourceName } from '../../../lambda/policy/environment-schema.ts';
import type { RotationStep } from '../../../lambda/secrets/secret-rotation.ts';
import { VERSION_LABEL } from '../../../lambda/secrets/secret-versions.ts';
import type { GroqKeyUse } from '../../../lambda/usage/groq-key-use.ts';
import { LocalSecretsManager } from '../../../local/secrets-manager/secrets-manager.ts';
import { MemoryGroqKeyRepository } from './memory-groq-key-repository.ts';

/** The four steps of a rotation, in Secrets Manager's order. */
export const ROTATION_STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

/** The team whose keys tests rotate. */
export const TEAM = 'chatbot';
const SECRET = groqSecretName(TEAM, 'prod');
const NOW = Date.UTC(2026, 10, 25, 12);
const WRITES = ['PutSecretValueCommand', 'UpdateSecretVersionStageCommand'];

/** A simulated crash of the process. */
class ProcessCrash extends Error {
  override readonly name = 'ProcessCrash';
}

/** Returns true for a simulated crash, also as the cause of an adapter's error. */
export function isProcessCrash(error: unknown): boolean {
  return (
    error instanceof ProcessCrash ||
    (error instanceof Error && error.cause !== undefined && isProcessCrash(error.cause))
  );
}

/** Returns a token with AWS's minimum length. */
export function rotationToken(name: string): string {
  return `token-of-32-characters-at-least-${name}`;
}

/** A team's secret in a simulated Secrets Manager, a simulated upstream, and in-memory ports; can crash before any write. */
export class GroqKeyTestRig {
  nowEpochMs = NOW;
  source: GroqKeySourceName;
  readonly secrets = new LocalSecretsManager({ nowEpochMs: () => this.nowEpochMs, rotate: async () => {} });
  readonly records = new MemoryGroqKeyRepository(() => this.#write());
  readonly events: GroqKeyEvent[] = [];
  readonly reports = new Map<string, string>();
  readonly entries: AuditEntry[] = [];
  readonly rows: GroqKeyUse[] = [];
  readonly accepted = new Set<string>();
  readonly upstreamKeys = new Map<string, { readonly name: string; readonly apiKey: string }>();
  #made = 0;
  #writesLeft = Number.POSITIVE_INFINITY;

  constructor(source: GroqKeySourceName = 'staged', first = 'gsk_first') {
    this.source = source;
    this.accepted.add(first);
    this.secrets.handle('CreateSecret', { Name: SECRET, SecretString: JSON.stringify({ apiKey: first }) });
  }

  /** Makes every write after the next `writes` crash. */
  crashAfter(writes: number): void {
    this.#writesLeft = writes;
  }

  get secret() {
    const { client } = this.secrets;
    const send = async (command: { readonly constructor: { readonly name: string } }) => {
      if (WRITES.includes(command.constructor.name)) this.#write();
      return await client.send(command as never);
    };
    return groqSecret({ send } as unknown as typeof client, SECRET, 'prod');
  }

  get ports(): GroqKeyPorts {
    return {
      records: this.records,
      probe: { isAccepted: async (apiKey) => this.accepted.has(apiKey) },
      keyApi: {
        create: async (by, name) => {
          this.#write();
          if (!this.accepted.has(by)) throw new Error('the upstream refuses the key');
          const [upstreamId, apiKey] = [`up-${++this.#made}`, `gsk_made_${this.#made}`];
          this.upstreamKeys.set(upstreamId, { name, apiKey });
          this.accepted.add(apiKey);
          return { upstreamId, name, apiKey };
        },
        list: async () => [...this.upstreamKeys].map(([upstreamId, { name }]) => ({ upstreamId, name })),
        remove: async (_by, upstreamId) => {
          this.#write();
          this.accepted.delete(this.upstreamKeys.get(upstreamId)?.apiKey ?? '');
          this.upstreamKeys.delete(upstreamId);
        },
      },
      deriveKeyId: deriveGroqKeyId,
      use: {
        readGroqKeyUse: async (_team, from, to) => this.rows.filter(({ hour }) => from <= hour && hour <= to),
      },
      audit: {
        append: async (entry) => {
          this.#write();
          this.entries.push(entry);
        },
      },
      notifier: {
        notify: async (event) => {
          this.#write();
          this.events.push(event);
        },
        saveReport: async (path, markdown) => {
          this.#write();
          this.reports.set(path, markdown);
          return `s3://reports/${path}`;
        },
      },
      keySourceFor: async () => this.source,
      environmentName: 'prod',
      nowEpochMs: this.nowEpochMs,
    };
  }

  /** Stages a key, a millisecond after the previous one. */
  stage(apiKey: string, isAccepted = true): string {
    this.nowEpochMs += 1;
    if (isAccepted) this.accepted.add(apiKey);
    const keyId = deriveGroqKeyId(apiKey);
    this.secrets.handle('PutSecretValue', {
      SecretId: SECRET,
      ClientRequestToken: rotationToken(`staged-${keyId}-${this.nowEpochMs}`),
      SecretString: JSON.stringify({ apiKey, keyId, name: `chatbot-prod-${apiKey.slice(4)}`, createdAt: 'then' }),
      VersionStages: [stagedLabel(this.nowEpochMs, keyId)],
    });
    return keyId;
  }

  /** Starts a rotation as Secrets Manager does: it creates the version before it calls the function. */
  begin(token: string): void {
    this.secrets.handle('RotateSecret', { SecretId: SECRET, ClientRequestToken: token });
  }

  async step(step: RotationStep, token: string): Promise<void> {
    await rotateGroqKey(this.ports, this.secret, step, token);
  }

  async rotate(token: string): Promise<void> {
    this.begin(token);
    for (const step of ROTATION_STEPS) await this.step(step, token);
  }

  /** Returns the key that has a label. */
  async keyWithLabel(label: string): Promise<GroqKey | undefined> {
    const { stages } = await this.secret.state();
    const id = [...stages].find(([, labels]) => labels.includes(label))?.[0];
    return id === undefined ? undefined : await this.secret.read(id);
  }

  async current(): Promise<string | undefined> {
    return (await this.keyWithLabel(VERSION_LABEL.current))?.apiKey;
  }

  /** Returns the ids of the staged keys, the next one first. */
  async queue(): Promise<readonly string[]> {
    return stagedQueue((await this.secret.state()).stages).map(({ keyId }) => keyId);
  }

  /** Moves a label by hand, as an operator can. */
  label(label: string, to: string | undefined, from: string | undefined): void {
    this.secrets.handle('UpdateSecretVersionStage', {
      SecretId: SECRET,
      VersionStage: label,
      MoveToVersionId: to,
      RemoveFromVersionId: from,
    });
  }

  #write(): void {
    if (this.#writesLeft-- <= 0) throw new ProcessCrash('the process has crashed');
  }
}
