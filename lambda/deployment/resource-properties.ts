import { isObject, type JsonObject } from '../kernel/json/json-object.ts';

/*
 * CloudFormation turns every value of a custom resource into a string, and `cdk diff` prints a line for each value. So
 * objects stay objects, and every other value becomes JSON text: no type is lost, and a diff reads
 * `Environment.teams.chatbot.monthlyBudgetUsd: 200 → 300`.
 */

/** A tree of objects with JSON text as leaves. */
export type TextTree = { readonly [field: string]: TextTree | string };

/** Encodes an object as properties of a custom resource. Undefined fields are left out. */
export function encodeProperties(content: JsonObject): TextTree {
  const entries = Object.entries(content).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([field, value]) => [field, isObject(value) ? encodeProperties(value) : asciiJson(value)]),
  );
}

/** Renders JSON in ASCII, because CloudFormation replaces some other characters by question marks. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Decodes the properties that {@link encodeProperties} returned.
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

/** Encodes a catalog file with its models by id, so that a diff names the model. */
export function encodeCatalog(catalog: JsonObject): TextTree {
  const models = (catalog.models as readonly JsonObject[]).map(({ id, ...facts }) => [id, facts]);
  return encodeProperties({ ...catalog, models: Object.fromEntries(models) });
}

/** Decodes the properties that {@link encodeCatalog} returned. */
export function decodeCatalog(tree: JsonObject): JsonObject {
  const { models, ...rest } = decodeProperties(tree);
  return { ...rest, models: Object.entries(models as JsonObject).map(([id, facts]) => ({ id, ...(facts as object) })) };
}
