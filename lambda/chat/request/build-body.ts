import { isObject, type JsonObject } from '../../kernel/json/json-object.ts';
import { nearestWord } from '../../kernel/nearest-word.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import { CHAT_FIELDS, type Field, type Fields, type FieldValue } from '../../pricing/chat-fields.ts';
import { foldName } from '../../pricing/passable-field.ts';

/** Longest name that an error repeats, in characters. */
const MAX_NAME_LENGTH = 64;

/**
 * Copies a chat completion's body from the fields that Groq documents, by exact name at every depth where a name
 * governs. An unknown name is refused as Groq refuses it; with the value null it is left out, since clients send such.
 * `passFields` are paths that an operator admits, such as `new_field` or `messages[].new_field`.
 */
export function buildBody(body: JsonObject, passFields: ReadonlySet<string> = new Set()): JsonObject | Refusal {
  const builder = new BodyBuilder(passFields);
  const built = builder.object(body, CHAT_FIELDS, '', '');
  return builder.refusal ?? (built as JsonObject);
}

/** The prompt's share of a built body: each field that counts as prompt, and each that an operator admitted. */
export function promptFields(body: JsonObject): JsonObject {
  const counted = Object.entries(body).filter(([name]) => {
    const field = Object.hasOwn(CHAT_FIELDS, name) ? CHAT_FIELDS[name] : undefined;
    return field === undefined || ('use' in field && field.use === 'prompt');
  });
  return Object.fromEntries(counted);
}

class BodyBuilder {
  refusal: Refusal | undefined;
  readonly #passFields: ReadonlySet<string>;

  constructor(passFields: ReadonlySet<string>) {
    this.#passFields = passFields;
  }

  /** `path` names the place for the caller, `pattern` for the operator, who admits a field in every element of a list. */
  object(value: JsonObject, fields: Fields, path: string, pattern: string): JsonObject {
    const built: Record<string, unknown> = {};
    for (const [name, child] of Object.entries(value)) {
      if (this.refusal !== undefined) break;
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      const [at, like] = [join(path, name), join(pattern, name)];
      if (field !== undefined && 'use' in field) built[name] = this.#value(child, field.value, at, like);
      else if (child === null) continue;
      else if (field === undefined && this.#passFields.has(like) && !foldsToKnown(name, fields)) built[name] = child;
      else this.#refuse(at, name, field, fields);
    }
    return built;
  }

  #value(value: unknown, expected: FieldValue, path: string, pattern: string): unknown {
    const isPlain = !Array.isArray(value) && !isObject(value);
    if (expected === 'free' || value === null) return value;
    if (expected === 'plain') return isPlain ? value : this.#wrong(path, 'must not be an object or a list');
    if ('plainOr' in expected) return isPlain ? value : this.#value(value, expected.plainOr, path, pattern);
    if ('list' in expected) {
      if (!Array.isArray(value)) return this.#wrong(path, 'must be a list');
      return value.map((item, index) => this.#value(item, expected.list, `${path}[${index}]`, `${pattern}[]`));
    }
    if (!isObject(value)) return this.#wrong(path, 'must be an object');
    if ('object' in expected) return this.object(value, expected.object, path, pattern);
    const { by, variants, isOpen } = expected;
    const variant = value[by];
    const fields = typeof variant === 'string' && Object.hasOwn(variants, variant) ? variants[variant] : undefined;
    if (fields !== undefined) return this.object(value, fields, path, pattern);
    return isOpen ? value : this.#wrong(join(path, by), `must be one of ${Object.keys(variants).join(', ')}`);
  }

  #refuse(path: string, name: string, field: Field | undefined, fields: Fields): void {
    const shown = [...name].slice(0, MAX_NAME_LENGTH).join('');
    const param = path.slice(0, -name.length) + shown;
    if (field !== undefined && 'refused' in field) {
      this.#no(param, `property '${shown}' ${field.refused}.`);
      return;
    }
    const known = Object.keys(fields).filter((candidate) => 'use' in (fields[candidate] ?? {}));
    const near = known.find((candidate) => foldName(candidate) === foldName(name)) ?? nearestWord(shown, known);
    this.#no(param, `property '${shown}' is unsupported${near === undefined ? '.' : `, did you mean '${near}'?`}`);
  }

  #wrong(path: string, what: string): undefined {
    this.#no(path, `"${path}" ${what}.`);
    return undefined;
  }

  #no(param: string, message: string): void {
    this.refusal ??= refuse('invalid_request', message, { param });
  }
}

function foldsToKnown(name: string, fields: Fields): boolean {
  return Object.keys(fields).some((known) => foldName(known) === foldName(name));
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
