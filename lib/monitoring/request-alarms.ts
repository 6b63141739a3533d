import { METRIC } from '../../lambda/telemetry/metrics.ts';
import { type AlarmEntry, functionErrors, functionThrottles, ownMetric, SUM } from './alarm-entry.ts';

/** Unknown, revoked or expired keys per period: more than one or two services with a stale key send. */
const UNKNOWN_KEYS_THRESHOLD = 300;

/** Alarms of the way of a request: API, functions and tables. */
export const REQUEST_ALARMS: readonly AlarmEntry[] = [
  {
    what: 'api-5xx',
    threshold: 5,
    metric: ({ api }) => api.metricServerError(SUM),
    meaning: 'Clients received 5xx errors from the gateway or API Gateway.',
    remedy: 'Check the access log by error and team.',
  },
  {
    what: 'gateway-errors',
    threshold: 1,
    metric: functionErrors('gateway'),
    meaning: 'The gateway function failed.',
    remedy: 'Check its log and the last deployment.',
  },
  {
    what: 'gateway-throttles',
    threshold: 1,
    metric: functionThrottles('gateway'),
    meaning: 'Lambda throttled requests.',
    remedy: "Raise the account's concurrency, or lower a team's rate.",
  },
  {
    what: 'admin-errors',
    threshold: 1,
    metric: functionErrors('admin'),
    meaning: 'The API for keys and budgets failed.',
    remedy: 'Use groq-rbac keys in the meantime.',
  },
  // Not the function's own errors: it must fail for each refused key, because API Gateway requires it.
  {
    what: 'authorizer-errors',
    threshold: 5,
    metric: ownMetric(METRIC.keyCheckFaults),
    meaning: 'Keys could not be checked.',
    remedy: "Check the authorizer's log and the registry table.",
  },
  {
    what: 'authorizer-throttles',
    threshold: 1,
    metric: functionThrottles('authorizer'),
    meaning: 'Lambda throttled key checks.',
    remedy: "Raise the account's concurrency.",
  },
  {
    what: 'unknown-keys',
    threshold: UNKNOWN_KEYS_THRESHOLD,
    metric: ownMetric(METRIC.unknownKeys),
    meaning: 'Many requests have invalid keys; someone may be guessing keys.',
    remedy: 'Check their source addresses.',
  },
  {
    what: 'ledger-throttles',
    threshold: 1,
    metric: ({ ledger }) => ledger.table.metricThrottledRequestsForOperation('UpdateItem', SUM),
    meaning: 'DynamoDB throttled writes to the ledger table.',
    remedy: 'Find the team with the most requests.',
  },
  {
    what: 'registry-throttles',
    threshold: 1,
    metric: ({ registry }) => registry.table.metricThrottledRequestsForOperation('GetItem', SUM),
    meaning: 'DynamoDB throttled reads of the registry table.',
    remedy: 'Check whether someone is guessing keys.',
  },
];
