import { isObject, type JsonObject } from '../kernel/json-object.ts';

/*
 * CloudFormation turns every value of a custom resource into text, and `cdk diff` shows one line for each. So objects
 * stay objects and whatever else is written as JSON text: nothing is lost on the way, and a diff reads
 * `Environment.teams.chatbot.monthlyBudgetUsd: 200 → 300`.
 */

/** An object whose every value is an object of the same kind or JSON text. */
export type TextTree = { readonly [field: string]: TextTree | string };

/** Writes an object for a custom resource's properties; fields without a value are left out. */
export function encodeProperties(content: JsonObject): TextTree {
  const entries = Object.entries(content).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([field, value]) => [field, isObject(value) ? encodeProperties(value) : asciiJson(value)]),
  );
}

/** JSON text in ASCII alone: CloudFormation makes question marks of some other characters. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Reads what {@link encodeProperties} wrote.
 *
 * @throws SyntaxError for text that is not JSON.
 */
export function decodeProperties(tree: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(tree).map(([field, value]) => [
      field,
      isObject(value) ? decodeProperties(value) : (JSON.parse(String(value)) as unknown),
    ]),
  );
}

/** Writes a catalog file with its models by id, so that a diff names the model. */
export function encodeCatalog(catalog: JsonObject): TextTree {
  const models = (catalog.models as readonly JsonObject[]).map(({ id, ...facts }) => [id, facts]);
  return encodeProperties({ ...catalog, models: Object.fromEntries(models) });
}

/** Reads what {@link encodeCatalog} wrote. */
export function decodeCatalog(tree: JsonObject): JsonObject {
  const { models, ...rest } = decodeProperties(tree);
  return { ...rest, models: Object.entries(models as JsonObject).map(([id, facts]) => ({ id, ...(facts as object) })) };
}
