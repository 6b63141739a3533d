import type { AdminOptions } from './admin-client.ts';
import { CommandError } from './command-error.ts';
import { type KeySink, openSink, type SinkOptions } from './key-sink.ts';

/** Options of every `keys` command. */
export type KeyOptions = AdminOptions & { readonly json: boolean };

/** Options of a command that creates a key. */
export type NewKeyOptions = KeyOptions & SinkOptions;

/** A response body of the administrative API. */
export type AdminContent = Readonly<Record<string, unknown>>;

/**
 * Creates a key and prints it alone on standard output, or stores it in a file or a secret; everything else goes to standard
 * error. `renderNotice` adds a message for the key's team.
 */
export async function printNewKey(
  options: NewKeyOptions,
  create: () => Promise<AdminContent>,
  renderNotice?: (content: AdminContent, destination: string) => string,
): Promise<void> {
  const sink = openSink(options);
  const content = await create().catch((error: unknown) => {
    sink.discard();
    throw error;
  });
  const { key, ...publicContent } = content;
  const isStored = sink.destination !== undefined && (await storeKey(sink, formatValue(key)));
  const notice = renderNotice?.(content, isStored ? sink.destination : 'the sender of this message');
  if (options.json) {
    const shown = isStored ? { ...publicContent, kept_in: sink.destination } : content;
    return console.log(JSON.stringify(notice === undefined ? shown : { ...shown, notice }));
  }
  const place = isStored ? `It is stored in ${sink.destination}.` : 'The key is shown once:';
  console.error(
    `Created ${formatValue(content.name)} (${formatValue(content.id)}), role ${formatValue(content.role)}. ${place}`,
  );
  if (!isStored) console.log(key);
  if (notice !== undefined) console.error(notice);
}

/** Stores a key. Returns false when that fails, so that the caller prints the key instead of losing it. */
async function storeKey(sink: KeySink, key: string): Promise<boolean> {
  try {
    await sink.store(key);
    return true;
  } catch (error) {
    console.error(`warning: cannot write ${sink.destination}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

/** Parses a key or its id to the id. @throws CommandError that does not repeat the text, which may be a key. */
export function parseKeyId(keyOrId: string): string {
  const keyId = /^grk_[a-z0-9-]+_([a-z0-9]{12})(_|$)/.exec(keyOrId)?.[1] ?? keyOrId;
  if (!/^[a-z0-9]{12}$/.test(keyId))
    throw new CommandError('not a key or a key id; an id has 12 lower-case letters and digits');
  return keyId;
}

/** The items of a list response. */
export function readItems({ data }: AdminContent): readonly AdminContent[] {
  return Array.isArray(data) ? (data as readonly AdminContent[]) : [];
}

/** Formats a value of a response for a terminal. */
export function formatValue(value: unknown): string {
  return value == null ? '' : Array.isArray(value) ? value.join(', ') : String(value);
}
