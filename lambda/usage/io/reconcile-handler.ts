import middy from '@middy/core';
import type { Clock, Log } from '../../kernel/clock.ts';
import { toUsdString } from '../../kernel/money.ts';
import type { Ledger } from '../../ledger/ports.ts';
import type { PolicySource } from '../../policy/policy-source.ts';
import { toEmfLine } from '../../telemetry/emf-record.ts';
import { DIMENSION, METRIC } from '../../telemetry/metrics.ts';
import type { UsageReader } from '../ports.ts';
import {
  formatLedgerKey,
  ledgersToReconcile,
  type ReconcileTiming,
  reconcileUsage,
  totalGap,
} from '../reconcile-usage.ts';

/** What the reconciliation needs of the world; `write` takes one line for the log. */
export type ReconcileHandlerPorts = {
  readonly policies: PolicySource;
  readonly ledger: Pick<Ledger, 'read' | 'readOrganization'>;
  readonly usage: UsageReader;
  readonly clock: Pick<Clock, 'nowEpochMs' | 'sleep'>;
  readonly environmentName: string;
  readonly log: Log;
  readonly write: (line: string) => void;
};

/** Half a minute is many times what the stream needs; six looks are three minutes, of a function that may run ten. */
const TIMING: ReconcileTiming = { quietPeriodMs: 30_000, attempts: 6 };

/**
 * Makes the daily comparison of the usage with the ledgers: a line in the log for each team whose usage lacks something, and
 * the metric that an alarm watches. It reads only.
 *
 * @throws Error naming the ledgers that could not be read, after all others have been.
 */
export function createReconciliationHandler(ports: ReconcileHandlerPorts) {
  const { policies, ledger, clock, environmentName, log, write } = ports;
  return middy<unknown, void>({ timeoutEarlyInMillis: 0 }).handler(async () => {
    const { teams } = await policies.policies();
    const keys = await ledgersToReconcile(ledger, teams.keys(), clock.nowEpochMs());
    const { equal, gaps, busy, failed } = await reconcileUsage(ports, keys, TIMING);
    for (const { team, period, spentPicoUsd, assumedPicoUsd, isExact } of gaps) {
      const amounts = { spentUsd: toUsdString(spentPicoUsd), assumedUsd: toUsdString(assumedPicoUsd) };
      log('usage_gap', { team, period, ...amounts, isExact });
    }
    write(
      toEmfLine({
        timestampEpochMs: clock.nowEpochMs(),
        groups: [{ by: [DIMENSION.environment], metrics: { [METRIC.usageGapUsd]: 'None' } }],
        values: {
          event: 'reconciliation_completed',
          [DIMENSION.environment]: environmentName,
          [METRIC.usageGapUsd]: Number(toUsdString(totalGap(gaps))),
          equal,
          gaps: gaps.length,
          busy: busy.length,
        },
      }),
    );
    if (failed.length > 0) throw new Error(`could not compare ${failed.map(formatLedgerKey).join(', ')}`);
  });
}
