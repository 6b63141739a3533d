import type { GroqKey } from '../groq/groq-key-versions.ts';
import type { AuditLog } from '../kernel/audit-log.ts';
import type { GroqKeySourceName } from '../policy/environment-schema.ts';
import type { RotatableSecret } from '../secrets/secret-rotation.ts';
import type { GroqKeyUseReader } from '../usage/ports.ts';
import type { GroqKeyNotifier } from './groq-key-events.ts';
import type { GroqKeyRepository } from './groq-key-record.ts';

/** A team's Groq secret. */
export type GroqSecret = RotatableSecret<GroqKey>;

/** Tests keys against Groq. */
export interface GroqKeyProbe {
  /** Returns true if Groq accepts the key. @throws if Groq's answer is inconclusive. */
  isAccepted(apiKey: string): Promise<boolean>;
}

/** A key in the upstream's key API. */
export type UpstreamKey = { readonly upstreamId: string; readonly name: string };

/** The key API of an upstream that has one; `by` is the key that authorizes the call. */
export interface GroqKeyApi {
  create(by: string, name: string): Promise<UpstreamKey & { readonly apiKey: string }>;
  list(by: string): Promise<readonly UpstreamKey[]>;
  /** Deletes a key. No effect if it does not exist. */
  remove(by: string, upstreamId: string): Promise<void>;
}

/** Ports of everything that rotates, watches and retires Groq keys. */
export type GroqKeyPorts = {
  readonly records: GroqKeyRepository;
  readonly probe: GroqKeyProbe;
  readonly keyApi: GroqKeyApi;
  readonly deriveKeyId: (apiKey: string) => string;
  readonly use: GroqKeyUseReader;
  readonly audit: AuditLog;
  readonly notifier: GroqKeyNotifier;
  /** Returns where a team's next key comes from. */
  readonly keySourceFor: (team: string) => Promise<GroqKeySourceName>;
  readonly environmentName: string;
  readonly nowEpochMs: number;
};
