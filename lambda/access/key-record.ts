import { formatUtc } from '../kernel/period.ts';
import type { Identity } from './identity.ts';

/** Stored metadata of a gateway key. The key itself is not part of it; only its hash is stored. */
export type KeyRecord = Identity & {
  readonly name: string;
  readonly createdAtEpochMs: number;
  /** The creator: a key id or an IAM ARN. */
  readonly createdBy?: string;
  readonly revokedAtEpochMs?: number;
  /** Id of the key that replaces it; absent before a rotation. */
  readonly rotatedTo?: string;
  /** From this time on, a replaced key is retired as soon as it has been unused for a day. */
  readonly retireAfterEpochMs?: number;
  /** True: DynamoDB deletes the record after the key expires. @default false */
  readonly isTemporary?: boolean;
};

/** Status of a key; `active` and `replaced` keys work. */
export type KeyStatus = 'active' | 'replaced' | 'expired' | 'revoked';

/** Returns a key's status at a time. */
export function keyStatus(record: KeyRecord, nowEpochMs: number): KeyStatus {
  if (record.revokedAtEpochMs !== undefined) return 'revoked';
  if (record.expiresAtEpochMs !== undefined && record.expiresAtEpochMs <= nowEpochMs) return 'expired';
  return record.rotatedTo === undefined ? 'active' : 'replaced';
}

/** Usage of a key in the current month. */
export type KeyUsage = {
  /** Undefined: not used within the retention of usage data. */
  readonly lastUsedOn: string | undefined;
  readonly requestsThisMonth: number;
  readonly costThisMonthUsd: string;
};

/** Renders a key's metadata as an `api_key` object of the API. */
export function describeKey(record: KeyRecord, use: KeyUsage | undefined, nowEpochMs: number): object {
  const { scope = {} } = record;
  const time = (epochMs: number | undefined) => (epochMs === undefined ? null : formatUtc(epochMs));
  return {
    object: 'api_key',
    id: record.keyId,
    name: record.name,
    team: record.team ?? null,
    role: record.role,
    status: keyStatus(record, nowEpochMs),
    allowed_models: scope.models ?? null,
    endpoints: scope.endpoints ?? null,
    requests_per_minute: scope.rpm ?? null,
    tokens_per_minute: scope.tpm ?? null,
    monthly_budget_usd: scope.usd ?? null,
    created_at: formatUtc(record.createdAtEpochMs),
    created_by: record.createdBy ?? null,
    expires_at: time(record.expiresAtEpochMs),
    revoked_at: time(record.revokedAtEpochMs),
    rotated_to: record.rotatedTo ?? null,
    retires_after: time(record.retireAfterEpochMs),
    ...(use === undefined
      ? {}
      : {
          last_used_on: use.lastUsedOn ?? null,
          requests_this_month: use.requestsThisMonth,
          cost_this_month_usd: use.costThisMonthUsd,
        }),
  };
}
