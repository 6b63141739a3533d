import type { AdminOptions } from './admin-client.ts';
import { CommandError } from './deployment.ts';
import { type KeySink, openSink, type SinkOptions } from './key-sink.ts';

/** What every command on keys is told. */
export type KeyOptions = AdminOptions & SinkOptions & { readonly json: boolean };

/** An answer of the administrative API. */
export type AdminContent = Readonly<Record<string, unknown>>;

/** Shows a new key: alone on standard output, or in its place; all else goes to people. */
export async function printNewKey(
  options: KeyOptions,
  make: () => Promise<AdminContent>,
  tell?: (content: AdminContent, destination: string) => string,
): Promise<void> {
  const sink = openSink(options);
  const content = await make().catch((error: unknown) => {
    sink.discard();
    throw error;
  });
  const isStored = sink.destination !== undefined && (await storeKey(sink, formatValue(content.key)));
  const { key, ...shown } = content;
  const line = tell?.(
    content,
    isStored && sink.destination !== undefined ? sink.destination : 'whoever sends you this',
  );
  if (options.json) {
    const told = line === undefined ? {} : { tell: line };
    return console.log(JSON.stringify({ ...(isStored ? { ...shown, kept_in: sink.destination } : content), ...told }));
  }
  const where = isStored ? `It is in ${sink.destination}.` : 'It is shown this once:';
  console.error(
    `${formatValue(content.name)} (${formatValue(content.id)}), role ${formatValue(content.role)}. ${where}`,
  );
  if (!isStored) console.log(key);
  if (line !== undefined) console.error(line);
}

/** A key that was made must not be lost because its place could not be written. */
async function storeKey(sink: KeySink, key: string): Promise<boolean> {
  try {
    await sink.store(key);
    return true;
  } catch (error) {
    console.error(
      `warning: ${sink.destination} could not be written: ${error instanceof Error ? error.message : error}`,
    );
    return false;
  }
}

/** The id of a key that is named by itself or by its id. */
export function parseKeyId(keyOrId: string): string {
  const keyId = /^grk_[a-z0-9-]+_([a-z0-9]{12})(_|$)/.exec(keyOrId)?.[1] ?? keyOrId;
  if (!/^[a-z0-9]{12}$/.test(keyId))
    throw new CommandError('that is no key and no key id (12 lower-case letters and digits)');
  return keyId;
}

/** What an answer lists. */
export function readItems({ data }: AdminContent): readonly AdminContent[] {
  return Array.isArray(data) ? (data as readonly AdminContent[]) : [];
}

/** A value as people read it. */
export function formatValue(value: unknown): string {
  return value == null ? '' : Array.isArray(value) ? value.join(', ') : String(value);
}
