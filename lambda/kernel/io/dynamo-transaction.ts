import {
  type ConditionCheck,
  TransactionCanceledException,
  type TransactWriteItem,
  type Update,
} from '@aws-sdk/client-dynamodb';

/** A part of a transaction: an update, or a condition on an item that stays as it is. */
export type TransactionPart =
  | { readonly Update: Omit<Update, 'TableName'> }
  | { readonly ConditionCheck: Omit<ConditionCheck, 'TableName'> };

/**
 * The outcome of a transaction. A lost one names the parts whose condition failed, by their index, and whether another
 * write or throttling got in the way, so that the same transaction can succeed later.
 */
export type TransactionOutcome =
  | { readonly written: true }
  | { readonly failedConditions: ReadonlySet<number>; readonly isContended: boolean };

/** Reasons for a cancelled transaction that a retry can outlast (TransactWriteItems API reference, read 2026-11-30). */
const CONTENTION_CODES: ReadonlySet<string | undefined> = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);

/** Builds the parts of a transaction on one table. */
export function transactItems(TableName: string, parts: readonly TransactionPart[]): TransactWriteItem[] {
  return parts.map((part) =>
    'Update' in part
      ? { Update: { TableName, ...part.Update } }
      : { ConditionCheck: { TableName, ...part.ConditionCheck } },
  );
}

/** Reads why a transaction lost a race; undefined for an error that a retry does not help. */
export function lostTransaction(cause: unknown): Exclude<TransactionOutcome, { written: true }> | undefined {
  const reasons = cause instanceof TransactionCanceledException ? (cause.CancellationReasons ?? []) : [];
  const failed = reasons.flatMap(({ Code }, index) => (Code === 'ConditionalCheckFailed' ? [index] : []));
  const isContended = reasons.some(({ Code }) => CONTENTION_CODES.has(Code));
  return failed.length === 0 && !isContended ? undefined : { failedConditions: new Set(failed), isContended };
}
