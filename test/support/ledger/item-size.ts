import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/**
 * Returns the size of an item as DynamoDB counts it for capacity: names and text by their UTF-8 bytes, a number by half its digits
 * and 2, a list or map by its content, 3, and 1 for each element (AWS: "DynamoDB item sizes and formats", read 2026-11-25).
 */
export function marshalledBytes(attributes: Readonly<Record<string, AttributeValue>>): number {
  return Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value),
    0,
  );
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.replace(/\D/g, '').length / 2) + 2;
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + marshalledBytes(value.M);
  if (value.L !== undefined) return 3 + value.L.reduce((sum, element) => sum + 1 + valueBytes(element), 0);
  return 1;
}
