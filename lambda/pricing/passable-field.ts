import { CHAT_FIELDS, type Fields, type FieldValue } from './chat-fields.ts';

/**
 * Folds a name to what a parser that ignores case or Unicode compatibility takes it for. Go's encoding/json matches names
 * so, the last one wins (pkg.go.dev/encoding/json, "Unmarshal", read 2026-11-30): to it, "Model" is "model".
 */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

/** Returns whether an operator may admit a path: it is one, and its last name does not fold to a known field's. */
export function isPassableField(path: string): boolean {
  const name = path.slice(path.lastIndexOf('.') + 1);
  return (
    /^[A-Za-z_]\w*(\[\])?(\.[A-Za-z_]\w*(\[\])?)*$/.test(path) &&
    !path.endsWith('[]') &&
    !KNOWN_NAMES.has(foldName(name))
  );
}

function* namesIn(fields: Fields): Generator<string> {
  for (const [name, field] of Object.entries(fields)) {
    yield name;
    if ('value' in field) yield* namesInValue(field.value);
  }
}

function* namesInValue(value: FieldValue): Generator<string> {
  if (typeof value === 'string') return;
  if ('object' in value) yield* namesIn(value.object);
  else if ('list' in value) yield* namesInValue(value.list);
  else if ('plainOr' in value) yield* namesInValue(value.plainOr);
  else for (const fields of Object.values(value.variants)) yield* namesIn(fields);
}

const KNOWN_NAMES: ReadonlySet<string> = new Set([...namesIn(CHAT_FIELDS)].map(foldName));
