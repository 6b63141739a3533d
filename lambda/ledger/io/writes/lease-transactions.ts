import type { TransactionPart } from '../../../kernel/io/dynamo-transaction.ts';
import type { PicoUsd } from '../../../kernel/money.ts';
import type { OrganizationLedger } from '../../organization-ledger.ts';
import type { LedgerKey } from '../../ports.ts';
import { earliestTopUpEnd } from '../../top-ups.ts';
import { ledgerItemKey } from '../ledger-item.ts';
import { organizationItemKey } from '../organization-item.ts';
import { number } from './update-expressions.ts';

/** The transaction that lends money of the organisation to a team, under the cap as it was read. */
export function drawTransaction(
  key: LedgerKey,
  amountPicoUsd: PicoUsd,
  seen: OrganizationLedger,
  nowEpochMs: number,
): readonly TransactionPart[] {
  const endsAt = earliestTopUpEnd(seen.topUps);
  return [
    {
      Update: {
        Key: organizationItemKey(key.period),
        UpdateExpression: 'SET available = available - :amount, granted = granted + :amount ADD holders :team',
        // A lease ends with the cap's first top-up, so that top-up must still be the one that was read.
        ConditionExpression: `available >= :amount AND ${topUpEndCondition(endsAt)}`,
        ExpressionAttributeValues: {
          ':amount': number(amountPicoUsd),
          ':team': { SS: [key.team] },
          ...topUpEndValues(endsAt),
        },
      },
    },
    {
      Update: {
        Key: ledgerItemKey(key),
        UpdateExpression: `SET leased = if_not_exists(leased, :zero) + :amount${endsAt === undefined ? '' : ', leaseEndMs = :end'}`,
        ConditionExpression:
          'attribute_exists(available) AND (attribute_not_exists(leaseEndMs) OR leaseEndMs > :nowMs)',
        ExpressionAttributeValues: {
          ':amount': number(amountPicoUsd),
          ':zero': number(0),
          ':nowMs': number(nowEpochMs),
          ...(endsAt === undefined ? {} : { ':end': number(endsAt) }),
        },
      },
    },
  ];
}

/** The transaction that takes idle money back from a team. */
export function recallTransaction(key: LedgerKey, amountPicoUsd: PicoUsd): readonly TransactionPart[] {
  return [
    {
      Update: {
        Key: organizationItemKey(key.period),
        UpdateExpression: 'SET available = available + :amount, granted = granted - :amount',
        ConditionExpression: 'attribute_exists(available)',
        ExpressionAttributeValues: { ':amount': number(amountPicoUsd) },
      },
    },
    {
      Update: {
        Key: ledgerItemKey(key),
        UpdateExpression: 'SET leased = leased - :amount',
        ConditionExpression: 'leased >= :amount',
        ExpressionAttributeValues: { ':amount': number(amountPicoUsd) },
      },
    },
  ];
}

/** An expired lease as it was read, the amount that goes back, and the end of the team's next lease. */
export type ExpiredLease = {
  readonly leasedPicoUsd: PicoUsd;
  readonly endedAtEpochMs: number;
  readonly amountPicoUsd: PicoUsd;
  /** Undefined: the next lease has no end. */
  readonly nextEndEpochMs: number | undefined;
};

/** The transaction that returns an expired lease, if neither ledger has changed since it was read. */
export function returnTransaction(
  key: LedgerKey,
  { leasedPicoUsd, endedAtEpochMs, amountPicoUsd, nextEndEpochMs }: ExpiredLease,
  seen: OrganizationLedger,
): readonly TransactionPart[] {
  const endsAt = earliestTopUpEnd(seen.topUps);
  return [
    {
      Update: {
        Key: organizationItemKey(key.period),
        UpdateExpression: 'SET available = available + :amount, granted = granted - :amount',
        // The next end depends on the room under the cap as it was read.
        ConditionExpression: `available = :available AND ${topUpEndCondition(endsAt)}`,
        ExpressionAttributeValues: {
          ':amount': number(amountPicoUsd),
          ':available': number(seen.availablePicoUsd),
          ...topUpEndValues(endsAt),
        },
      },
    },
    {
      Update: {
        Key: ledgerItemKey(key),
        UpdateExpression: `SET leased = leased - :amount${nextEndEpochMs === undefined ? ' REMOVE leaseEndMs' : ', leaseEndMs = :end'}`,
        ConditionExpression: 'leased = :leased AND leaseEndMs = :ended',
        ExpressionAttributeValues: {
          ':amount': number(amountPicoUsd),
          ':leased': number(leasedPicoUsd),
          ':ended': number(endedAtEpochMs),
          ...(nextEndEpochMs === undefined ? {} : { ':end': number(nextEndEpochMs) }),
        },
      },
    },
  ];
}

/** Holds when the cap's first top-up still ends at this time. */
function topUpEndCondition(endsAt: number | undefined): string {
  return endsAt === undefined ? 'attribute_not_exists(topUpsEndMs)' : 'topUpsEndMs = :topUpsEndMs';
}

function topUpEndValues(endsAt: number | undefined) {
  return endsAt === undefined ? {} : { ':topUpsEndMs': number(endsAt) };
}
