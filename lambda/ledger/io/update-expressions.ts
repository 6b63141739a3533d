import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { PicoUsd } from '../../kernel/money.ts';
import { type CallTrace, NO_TRACE } from '../call-trace.ts';
import type { Reservation, Settlement } from '../reservation.ts';

/** The expressions of one conditional update. */
export type LedgerWrite = {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
};

/** How a reservation ends that nobody came back for. */
export const EXPIRED_SETTLEMENT = {
  assumed: true,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
};

/** A list of what just ended, for the readers of the table's stream. */
export function lastEndsValue(...end: Parameters<typeof reservationEndValue>): AttributeValue {
  return { L: [reservationEndValue(...end)] };
}

export function reservationEndValue(
  kind: string,
  reservation: Reservation,
  ended: Omit<Settlement, 'kind' | 'tpmRefundUs'>,
  atEpochMs: number,
): AttributeValue {
  return {
    M: {
      kind: { S: kind },
      id: { S: reservation.id },
      key: { S: reservation.keyId },
      model: { S: reservation.model },
      cost: number(ended.costPicoUsd),
      bound: number(reservation.maxCostPicoUsd),
      assumed: { BOOL: ended.assumed },
      promptTokens: number(ended.promptTokens),
      cachedTokens: number(ended.cachedTokens),
      completionTokens: number(ended.completionTokens),
      atMs: number(atEpochMs),
      ...(ended.reasoningTokens === 0 ? {} : { reasoningTokens: number(ended.reasoningTokens) }),
      ...traceAttributes(ended.trace ?? NO_TRACE),
    },
  };
}

/** What there is of a trace: an end rides on every write until the next. */
function traceAttributes({ upstreamMs, groqKeys: { usedId, refusedIds } }: CallTrace): Record<string, AttributeValue> {
  return {
    ...(upstreamMs === 0 ? {} : { upstreamMs: number(upstreamMs) }),
    ...(usedId === undefined ? {} : { groqKey: { S: usedId } }),
    ...(refusedIds.length === 0 ? {} : { groqKeysRefused: { L: refusedIds.map((id) => ({ S: id })) } }),
  };
}

export function names(...attributes: readonly string[]): Record<string, string> {
  return Object.fromEntries(attributes.map((attribute) => [`#${attribute}`, attribute]));
}

export function number(value: number | bigint | PicoUsd): AttributeValue {
  return { N: String(value) };
}
