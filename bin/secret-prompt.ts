import { CommandError } from './command-error.ts';

/** Standard input: a terminal or a pipe. */
export type Terminal = Pick<NodeJS.ReadStream, 'setRawMode' | 'setEncoding' | 'on' | 'off' | 'resume' | 'pause'> & {
  readonly isTTY?: boolean;
};

const [ENTER, LINE_END, CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\r', '\n', '\u0003', '\u0004', '\b', '\u007f'];
/** Longer than any key, so that a file piped by mistake is not read to its end. */
const MAX_LENGTH = 4_096;

/**
 * Reads a secret from a prompt without echo, or from a pipe to its end. Arguments and environment variables are not an option:
 * other processes and the shell's history can read them.
 *
 * @throws CommandError when the prompt is cancelled or the input is empty.
 */
export async function readSecret(
  question: string,
  input: Terminal = process.stdin,
  writePrompt: (text: string) => void = (text) => void process.stderr.write(text),
): Promise<string> {
  const isTerminal = input.isTTY === true;
  if (isTerminal) writePrompt(question);
  const text = await (isTerminal ? readLine(input) : readPipe(input));
  if (isTerminal) writePrompt('\n');
  const secret = text.trim();
  if (secret === '') throw new CommandError('no key given; type it at the prompt, or pipe it to standard input');
  return secret;
}

async function readLine(input: Terminal): Promise<string> {
  input.setRawMode(true);
  try {
    return await collect(input, (text, done, fail) => {
      let line = text;
      return (chunk) => {
        for (const character of chunk) {
          if (character === CTRL_C || character === CTRL_D)
            return fail(new CommandError('cancelled; nothing was changed'));
          if (character === ENTER || character === LINE_END) return done(line);
          line = character === BACKSPACE || character === DELETE ? line.slice(0, -1) : line + character;
        }
      };
    });
  } finally {
    input.setRawMode(false);
  }
}

async function readPipe(input: Terminal): Promise<string> {
  return await collect(input, (text, done, fail) => {
    let all = text;
    input.on('end', () => done(all));
    return (chunk) => {
      all += chunk;
      if (all.length > MAX_LENGTH) fail(new CommandError('the input is too long for a key'));
    };
  });
}

type Reader = (text: string, done: (text: string) => void, fail: (error: Error) => void) => (chunk: string) => void;

async function collect(input: Terminal, reader: Reader): Promise<string> {
  input.setEncoding('utf8');
  let listener: (chunk: string) => void = () => {};
  try {
    return await new Promise<string>((resolve, reject) => {
      listener = reader('', resolve, reject);
      input.on('data', listener);
      input.on('error', reject);
      input.resume();
    });
  } finally {
    input.off('data', listener);
    input.pause();
  }
}
