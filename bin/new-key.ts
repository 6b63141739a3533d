import type { AdminWhere } from './admin-client.ts';
import { CommandError } from './deployment.ts';
import { type KeySink, openSink, type SinkOptions } from './key-sink.ts';

/** What every command on keys is told. */
export type KeyOptions = AdminWhere & SinkOptions & { readonly json: boolean };

/** An answer of the administrative API. */
export type Content = Readonly<Record<string, unknown>>;

/** Shows a new key: alone on standard output, or in its place; all else goes to people. */
export async function showNew(
  options: KeyOptions,
  make: () => Promise<Content>,
  tell?: (content: Content, place: string) => string,
): Promise<void> {
  const sink = openSink(options);
  const content = await make().catch((error: unknown) => {
    sink.leave();
    throw error;
  });
  const isKept = sink.place !== undefined && (await kept(sink, textOf(content.key)));
  const { key, ...shown } = content;
  const line = tell?.(content, isKept && sink.place !== undefined ? sink.place : 'whoever sends you this');
  if (options.json) {
    const told = line === undefined ? {} : { tell: line };
    return console.log(JSON.stringify({ ...(isKept ? { ...shown, kept_in: sink.place } : content), ...told }));
  }
  const where = isKept ? `It is in ${sink.place}.` : 'It is shown this once:';
  console.error(`${textOf(content.name)} (${textOf(content.id)}), role ${textOf(content.role)}. ${where}`);
  if (!isKept) console.log(key);
  if (line !== undefined) console.error(line);
}

/** A key that was made must not be lost because its place could not be written. */
async function kept(sink: KeySink, key: string): Promise<boolean> {
  try {
    await sink.keep(key);
    return true;
  } catch (error) {
    console.error(`warning: ${sink.place} could not be written: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

/** The id of a key that is named by itself or by its id. */
export function idOf(keyOrId: string): string {
  const keyId = /^grk_[a-z0-9-]+_([a-z0-9]{12})(_|$)/.exec(keyOrId)?.[1] ?? keyOrId;
  if (!/^[a-z0-9]{12}$/.test(keyId))
    throw new CommandError('that is no key and no key id (12 lower-case letters and digits)');
  return keyId;
}

/** What an answer lists. */
export function listed({ data }: Content): readonly Content[] {
  return Array.isArray(data) ? (data as readonly Content[]) : [];
}

/** A value as people read it. */
export function textOf(value: unknown): string {
  return value == null ? '' : Array.isArray(value) ? value.join(', ') : String(value);
}
