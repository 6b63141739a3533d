import { GroqKeyOperationError } from '../../lambda/groq-keys/groq-key-operator-ports.ts';
import { CommandError } from '../command-error.ts';
import { type OpenedGroqKeys, openGroqKeys } from '../groq-key-operator.ts';
import type { EnvironmentSelector } from '../stores.ts';

/** Options of every `groq-key` command. */
export type GroqKeyOptions = EnvironmentSelector & { readonly team: string; readonly json: boolean };

/** Options of a command that stores a key. */
export type NewGroqKeyOptions = GroqKeyOptions & { readonly name: string | undefined };

/** Options of a command on one key. */
export type GroqKeyIdOptions = GroqKeyOptions & { readonly key: string };

/** Options of `groq-key report`; the current key is the default. */
export type RotationReportOptions = GroqKeyOptions & { readonly key: string | undefined };

/** Options of `groq-key revoke`. */
export type RevokeGroqKeyOptions = RotationReportOptions & { readonly reason: string };

/** The result of a command, as text and as JSON. */
type CommandOutput = { readonly text: string; readonly json: object };

/**
 * Runs an operation on a team's Groq keys and prints its result.
 *
 * @throws CommandError when the operation is refused.
 */
export async function runGroqKeyCommand(
  options: GroqKeyOptions,
  operate: (keys: OpenedGroqKeys) => Promise<CommandOutput>,
): Promise<void> {
  try {
    const { text, json } = await operate(await openGroqKeys(options, options.team));
    console.log(options.json ? JSON.stringify(json) : text);
  } catch (error) {
    if (error instanceof GroqKeyOperationError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}
