import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import type { OrganizationLedger } from '../organization-ledger.ts';
import { parseMoney, parseTopUps } from './ledger-item.ts';

/** The partition of the organisation's items: its ledgers, and the pause of all teams. */
export const ORGANIZATION_PARTITION = 'ORG';

/** Returns the key of the organisation's ledger item for a period. */
export function organizationItemKey(period: string): Record<string, AttributeValue> {
  return { [PARTITION_KEY]: { S: ORGANIZATION_PARTITION }, [SORT_KEY]: { S: `LEDGER#${period}` } };
}

/** Decodes the organisation's ledger. */
export function parseOrganizationLedger(item: Item): OrganizationLedger {
  return {
    limitPicoUsd: parseMoney(item.limit),
    availablePicoUsd: parseMoney(item.available),
    grantedPicoUsd: parseMoney(item.granted),
    holders: new Set(item.holders?.SS ?? []),
    topUps: parseTopUps(item),
  };
}
