import { formatUtc } from '../kernel/period.ts';
import type { Identity } from './identity.ts';

/** A key of the gateway's, and whom it stands for; of the key itself only a hash is kept, elsewhere. */
export type KeyRecord = Identity & {
  readonly name: string;
  readonly createdAtEpochMs: number;
  /** A key's id, or the ARN of who made it. */
  readonly createdBy?: string;
  readonly revokedAtEpochMs?: number;
  /** The key that takes its place, once it is being rotated. */
  readonly rotatedTo?: string;
  /** From when on it is retired, once nobody has used it for a day. */
  readonly retireAfterEpochMs?: number;
  /** Whether the record itself goes when the key has expired. @default false */
  readonly isTemporary?: boolean;
};

/** How a key stands: it works while it is active or being replaced. */
export type KeyStatus = 'active' | 'replaced' | 'expired' | 'revoked';

/** How a key stands at a time. */
export function keyStatus(record: KeyRecord, nowEpochMs: number): KeyStatus {
  if (record.revokedAtEpochMs !== undefined) return 'revoked';
  if (record.expiresAtEpochMs !== undefined && record.expiresAtEpochMs <= nowEpochMs) return 'expired';
  return record.rotatedTo === undefined ? 'active' : 'replaced';
}

/** What a key has been used for, where it is known. */
export type KeyUsage = {
  /** Undefined: not within what is kept. */
  readonly lastUsedOn: string | undefined;
  readonly requestsThisMonth: number;
  readonly costThisMonthUsd: string;
};

/** A key in the shape of the API; never the key itself. */
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
