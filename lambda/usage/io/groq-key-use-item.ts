import type { Item } from '../../kernel/io/dynamo-table.ts';
import type { Hour } from '../../kernel/period.ts';
import type { GroqKeyUse, TeamGroqKeyUse } from '../groq-key-use.ts';
import { type ItemUpdate, incrementItem } from './item-update.ts';

/** Prefix of the sort keys of an hour's use of Groq keys. */
export function hourSortKey(hour: Hour): string {
  return `GROQKEY#${hour}`;
}

/** Adds to an hour's use of a Groq key. */
export function groqKeyIncrement({ team, keyId, hour, ...counts }: TeamGroqKeyUse): ItemUpdate {
  const sortKey = `${hourSortKey(hour)}#${keyId}`;
  return incrementItem(team, sortKey, hour.slice(0, 10), { key: keyId, hour }, Object.entries(counts));
}

/** Parses an hour's use of a Groq key. */
export function parseGroqKeyUse(item: Item): GroqKeyUse {
  const count = (attribute: string) => Number(item[attribute]?.N ?? 0);
  return {
    keyId: item.key?.S ?? '',
    hour: item.hour?.S ?? '',
    requests: count('requests'),
    refused: count('refused'),
    failed: count('failed'),
  };
}
