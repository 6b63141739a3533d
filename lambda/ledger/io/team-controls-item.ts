import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import type { Pause } from '../pause.ts';

/** The decisions of people about a team, or about all teams, across periods. */
export type TeamControls = {
  readonly pause: Pause | undefined;
  /** Keys revoked lately, and the epoch milliseconds until which API Gateway may still let their callers through. */
  readonly revoked: ReadonlyMap<string, number>;
};

/** Controls with the version of their item, for optimistic locks; 0 before the first write. */
export type VersionedTeamControls = TeamControls & { readonly version: number };

/** The controls that apply to a team: its own, and those of all teams. */
export type ControlsOfTeam = { readonly own: VersionedTeamControls; readonly all: VersionedTeamControls };

/** Returns the key of the controls of a team's or the organisation's partition. */
export function teamControlsItemKey(partition: string): Record<string, AttributeValue> {
  return { [PARTITION_KEY]: { S: partition }, [SORT_KEY]: { S: 'STANDING' } };
}

/** Decodes controls; without an item there are none. */
export function parseTeamControls(item: Item | undefined): VersionedTeamControls {
  return {
    pause: parsePause(item?.pause),
    revoked: parseRevokedKeys(item?.revoked),
    version: Number(item?.version?.N ?? 0),
  };
}

/** Decodes a pause. */
export function parsePause(value: AttributeValue | undefined): Pause | undefined {
  if (value?.M === undefined) return undefined;
  const { reason, untilMs } = value.M;
  return { reason: reason?.S ?? '', untilEpochMs: untilMs?.N === undefined ? undefined : Number(untilMs.N) };
}

/** Encodes a pause. */
export function pauseValue({ reason, untilEpochMs }: Pause): AttributeValue {
  const until: Record<string, AttributeValue> =
    untilEpochMs === undefined ? {} : { untilMs: { N: String(untilEpochMs) } };
  return { M: { reason: { S: reason }, ...until } };
}

/** Decodes the revoked keys, each with the epoch milliseconds until which its revocation matters. */
export function parseRevokedKeys(value: AttributeValue | undefined): ReadonlyMap<string, number> {
  return new Map(Object.entries(value?.M ?? {}).map(([keyId, { N = '0' }]) => [keyId, Number(N)]));
}

/** Encodes the revoked keys. */
export function revokedValue(revoked: ReadonlyMap<string, number>): AttributeValue {
  return { M: Object.fromEntries([...revoked].map(([keyId, untilMs]) => [keyId, { N: String(untilMs) }])) };
}
