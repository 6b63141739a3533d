import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';

/** Ports of an operator's commands. */
export type GroqKeyOperatorPorts = GroqKeyPorts & {
  readonly secretFor: (team: string) => GroqSecret;
  /** Every team of the environment. */
  readonly teams: readonly string[];
  /** The operator's identity, for the audit trail. */
  readonly actor: string;
  /** Returns a new version id of 32 to 64 characters. */
  readonly newVersionId: () => string;
};

/** A command that must not be carried out. The message says why, and never contains the key. */
export class GroqKeyOperationError extends Error {
  override readonly name = 'GroqKeyRefusal';
}
