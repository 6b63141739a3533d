import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { PicoUsd } from '../../../kernel/money.ts';

/** The expressions of a conditional update. */
export type LedgerWrite = {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
};

/** A part of a write's expressions that concerns a rate bucket or a key's share. */
export type WritePart = {
  readonly set: readonly string[];
  readonly condition: readonly string[];
  /** Attributes of the gateway. */
  readonly names: readonly string[];
  /** Placeholders of names that are data, such as a key's id. */
  readonly placeholders: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, AttributeValue>>;
};

/** A part without expressions. */
export const EMPTY_PART: WritePart = { set: [], condition: [], names: [], placeholders: {}, values: {} };

/** Maps the placeholder `#name` to each attribute name. */
export function names(...attributes: readonly string[]): Record<string, string> {
  return Object.fromEntries(attributes.map((attribute) => [`#${attribute}`, attribute]));
}

/** Encodes a number. */
export function number(value: number | bigint | PicoUsd): AttributeValue {
  return { N: String(value) };
}
