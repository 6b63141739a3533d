import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { TTL_ATTRIBUTE } from '../../../contract.ts';
import type { PicoUsd } from '../../../kernel/money.ts';
import type { ControlsOfTeam } from '../team-controls-item.ts';
import { openingControls } from './team-controls-writes.ts';
import { type LedgerWrite, number } from './update-expressions.ts';

/** The time for which a ledger item is kept after it was opened, in seconds: 400 days, the same as the audit trail. */
const LEDGER_RETENTION_S = 400 * 86_400;
const ZEROS = ['reserved', 'leased', 'spent', 'assumed', 'overrun', 'rpmTat', 'tpmTat'];

/** The write that creates a team's ledger for a period, unless it exists. */
export function openingWrite(limitPicoUsd: PicoUsd, controls: ControlsOfTeam, nowEpochMs: number): LedgerWrite {
  return createWrite(
    {
      limit: number(limitPicoUsd),
      available: number(limitPicoUsd),
      open: { M: {} },
      lapsed: { M: {} },
      topUps: { M: {} },
      keys: { M: {} },
      ...Object.fromEntries(ZEROS.map((name) => [name, number(0)])),
      ...openingControls(controls),
    },
    nowEpochMs,
  );
}

/** The write that creates the organisation's ledger for a period, unless it exists. */
export function openingCapWrite(capPicoUsd: PicoUsd, nowEpochMs: number): LedgerWrite {
  return createWrite({ limit: number(capPicoUsd), available: number(capPicoUsd), granted: number(0) }, nowEpochMs);
}

/** An update, because no role may put a whole item. */
function createWrite(attributes: Record<string, AttributeValue>, nowEpochMs: number): LedgerWrite {
  const ttl = number(Math.floor(nowEpochMs / 1000) + LEDGER_RETENTION_S);
  const fields = Object.entries({ ...attributes, [TTL_ATTRIBUTE]: ttl });
  return {
    UpdateExpression: `SET ${fields.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    ConditionExpression: 'attribute_not_exists(#limit)',
    ExpressionAttributeNames: Object.fromEntries(fields.map(([name]) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(fields.map(([name, value]) => [`:${name}`, value])),
  };
}
