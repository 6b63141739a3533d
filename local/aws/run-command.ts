import { spawn } from 'node:child_process';
import { PROJECT_DIR } from '../settings.ts';

/** Exit code of a command, and its whole output. */
export type CommandResult = { readonly code: number | null; readonly output: string };

/** Receives a command's output while it runs. */
export type OutputListener = (line: string) => void;

/** Runs a command and collects its output, both streams in the order of arrival. */
export async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onOutput: OutputListener,
): Promise<CommandResult> {
  const child = spawn(command, args, { cwd: PROJECT_DIR, env, stdio: ['ignore', 'pipe', 'pipe'] });
  // If this process exits, so must the command.
  const end = () => child.kill();
  process.once('exit', end);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
      onOutput(text);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => process.off('exit', end));
  return { code, output };
}
