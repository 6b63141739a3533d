/** A command that cannot be carried out. Its message is the one line that the operator sees. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
