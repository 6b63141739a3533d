import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';

/** What an operator's acts need of the world. */
export type GroqKeyOperatorPorts = GroqKeyPorts & {
  readonly secretFor: (team: string) => GroqSecret;
  /** Every team of the environment. */
  readonly teams: readonly string[];
  /** Who acts, for the audit trail. */
  readonly actor: string;
  /** A new id of a version, of 32 to 64 characters. */
  readonly newVersionId: () => string;
};

/** An act that must not be done; the message says why, and never the key. */
export class GroqKeyOperationError extends Error {
  override readonly name = 'GroqKeyRefusal';
}

/** Writes an operator's act down, before it is done. */
export async function auditGroqKeyOperation(
  { audit, actor, nowEpochMs }: GroqKeyOperatorPorts,
  team: string,
  action: string,
  key: { readonly keyId: string; readonly name?: string | undefined },
  details: string,
): Promise<void> {
  const { keyId } = key;
  const said = `${key.name ?? keyId}: ${details}`;
  await audit.append({
    atEpochMs: nowEpochMs,
    id: `${action}-${keyId}`,
    actor,
    action,
    subject: `Groq key ${keyId}`,
    details: said,
    team,
    source: 'cli',
  });
}
