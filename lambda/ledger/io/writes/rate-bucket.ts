import { RATE_WINDOW_US } from '../../../kernel/rate-limit.ts';
import type { LedgerView } from '../../reservation.ts';
import { EMPTY_PART, number, type WritePart } from './update-expressions.ts';

/** The form of a bucket: DynamoDB cannot compute a maximum, so an idle and a busy bucket take different expressions. */
type BucketState = 'idle' | 'busy';
type Buckets = Pick<LedgerView, 'rpmTatUs' | 'tpmTatUs'>;

/** The forms of the buckets of requests and tokens. */
export type RateBucketStates = { readonly requests: BucketState; readonly tokens: BucketState };

/** The forms of all buckets that a reserve takes from: the team's and the key's. */
export type ReserveBucketStates = RateBucketStates & { readonly key: RateBucketStates };

/** Guesses the forms from the ledger and the key's share as they were last read or written. */
export function guessBucketStates(
  team: Buckets | undefined,
  key: Buckets | undefined,
  nowEpochMs: number,
): ReserveBucketStates {
  const bucketState = (tatUs = 0): BucketState => (tatUs < nowEpochMs * 1000 ? 'idle' : 'busy');
  const guess = (buckets: Buckets | undefined) => ({
    requests: bucketState(buckets?.rpmTatUs),
    tokens: bucketState(buckets?.tpmTatUs),
  });
  return { ...guess(team), key: guess(key) };
}

/** Takes a cost from a bucket of the team, or of the key's share at `sharePath`. */
export function bucketPart(
  name: 'rpmTat' | 'tpmTat',
  costUs: number,
  nowEpochMs: number,
  bucketState: BucketState,
  sharePath?: string,
): WritePart {
  // The key's bucket has the same attribute name as the team's, and values of its own.
  const [path, value] = sharePath === undefined ? [`#${name}`, `:${name}`] : [`${sharePath}.#${name}`, `:${name}Key`];
  const part = { ...EMPTY_PART, names: [name] };
  // A no-op SET, so that UPDATED_NEW returns every total.
  if (costUs === 0) return { ...part, set: [`${path} = ${path}`] };
  const nowUs = nowEpochMs * 1000;
  if (bucketState === 'idle') {
    return {
      ...part,
      set: [`${path} = ${value}Next`],
      condition: [`${path} < :nowUs`],
      values: { ':nowUs': number(nowUs), [`${value}Next`]: number(nowUs + costUs) },
    };
  }
  return {
    ...part,
    set: [`${path} = ${path} + ${value}Cost`],
    condition: [`${path} BETWEEN :nowUs AND ${value}Latest`],
    values: {
      ':nowUs': number(nowUs),
      [`${value}Cost`]: number(costUs),
      [`${value}Latest`]: number(nowUs + RATE_WINDOW_US - costUs),
    },
  };
}
