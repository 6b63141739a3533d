import { CommandError } from './deployment.ts';

/** Where a person types. */
export type Terminal = Pick<NodeJS.ReadStream, 'setRawMode' | 'setEncoding' | 'on' | 'off' | 'resume' | 'pause'> & {
  readonly isTTY?: boolean;
};

const [ENTER, LINE_END, CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\r', '\n', '\u0003', '\u0004', '\b', '\u007f'];
/** More than any key has; a file that was piped in by mistake is not read whole. */
const MAX_LENGTH = 4_096;

/**
 * Reads a secret: without an echo from a person, or whole from a pipe. Never from an argument or a variable, which other
 * processes and a shell's history can read.
 *
 * @throws CommandError when it is broken off or nothing comes.
 */
export async function readSecret(
  question: string,
  input: Terminal = process.stdin,
  writePrompt: (text: string) => void = (text) => void process.stderr.write(text),
): Promise<string> {
  const isPerson = input.isTTY === true;
  if (isPerson) writePrompt(question);
  const text = await (isPerson ? typed(input) : piped(input));
  if (isPerson) writePrompt('\n');
  const secret = text.trim();
  if (secret === '') throw new CommandError('no key came; type it at the prompt, or pipe it to standard input');
  return secret;
}

async function typed(input: Terminal): Promise<string> {
  input.setRawMode(true);
  try {
    return await collect(input, (text, done, fail) => {
      let line = text;
      return (chunk) => {
        for (const character of chunk) {
          if (character === CTRL_C || character === CTRL_D)
            return fail(new CommandError('broken off; nothing was changed'));
          if (character === ENTER || character === LINE_END) return done(line);
          line = character === BACKSPACE || character === DELETE ? line.slice(0, -1) : line + character;
        }
      };
    });
  } finally {
    input.setRawMode(false);
  }
}

async function piped(input: Terminal): Promise<string> {
  return await collect(input, (text, done, fail) => {
    let all = text;
    input.on('end', () => done(all));
    return (chunk) => {
      all += chunk;
      if (all.length > MAX_LENGTH) fail(new CommandError('that is more than a key'));
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
