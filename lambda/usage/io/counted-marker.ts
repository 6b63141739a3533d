import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import type { LedgerEnd } from '../../ledger/reservation-end.ts';
import type { RefusalBatch } from '../refusal-tally.ts';
import { type ItemUpdate, marshalNumber } from './item-update.ts';

/** Retention of a marker, in seconds: a stream redelivers records for 24 hours at most. */
const MARKER_TTL_S = 7 * 86_400;

/** Key of the marker that prevents something from being counted twice. */
export type MarkerKey = Record<string, AttributeValue>;

/** The marker key of a reservation's end. */
export function endMarkerKey({ ledger, end }: LedgerEnd): MarkerKey {
  return { [PARTITION_KEY]: { S: `END#${ledger.team}#${end.id}` }, [SORT_KEY]: { S: end.kind } };
}

/** The marker key of a batch of refusals. */
export function refusalMarkerKey({ team, id }: RefusalBatch): MarkerKey {
  return { [PARTITION_KEY]: { S: `END#${team}#${id}` }, [SORT_KEY]: { S: 'refusals' } };
}

/** Writes a marker, on the condition that it does not exist. */
export function writeMarker(key: MarkerKey, nowEpochMs: number): ItemUpdate {
  return {
    Key: key,
    UpdateExpression: 'SET #ttl = :ttl',
    ConditionExpression: 'attribute_not_exists(#pk)',
    ExpressionAttributeNames: { '#ttl': TTL_ATTRIBUTE, '#pk': PARTITION_KEY },
    ExpressionAttributeValues: { ':ttl': marshalNumber(Math.floor(nowEpochMs / 1000) + MARKER_TTL_S) },
  };
}
