import type { GroqKey } from '../groq/groq-key-versions.ts';
import type { AuditLog } from '../kernel/audit-log.ts';
import type { GroqKeySourceName } from '../policy/environment-schema.ts';
import type { RotatableSecret } from '../secrets/secret-rotation.ts';
import type { GroqKeyUseReader } from '../usage/ports.ts';
import type { GroqKeyNotifier } from './groq-key-events.ts';
import type { GroqKeyRepository } from './groq-key-record.ts';

/** A team's Groq secret. */
export type GroqSecret = RotatableSecret<GroqKey>;

/** Whether Groq takes a key. */
export interface GroqKeyProbe {
  /** Asks Groq. @throws when Groq gives no answer to go by. */
  isAccepted(apiKey: string): Promise<boolean>;
}

/** A key as upstream's own API lists it. */
export type UpstreamKey = { readonly upstreamId: string; readonly name: string };

/** Upstream's API of keys, where it has one; `by` is a key that may use it. */
export interface GroqKeyApi {
  create(by: string, name: string): Promise<UpstreamKey & { readonly apiKey: string }>;
  list(by: string): Promise<readonly UpstreamKey[]>;
  /** Deletes a key; one that is not there is deleted. */
  remove(by: string, upstreamId: string): Promise<void>;
}

/** What those who move Groq keys need of the world. */
export type GroqKeyPorts = {
  readonly records: GroqKeyRepository;
  readonly probe: GroqKeyProbe;
  readonly keyApi: GroqKeyApi;
  readonly deriveKeyId: (apiKey: string) => string;
  readonly use: GroqKeyUseReader;
  readonly audit: AuditLog;
  readonly notifier: GroqKeyNotifier;
  /** Where a team's next key comes from. */
  readonly keySourceFor: (team: string) => Promise<GroqKeySourceName>;
  readonly environmentName: string;
  readonly nowEpochMs: number;
};
