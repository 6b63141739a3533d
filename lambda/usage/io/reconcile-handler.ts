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

/** Dependencies of the reconciliation. `write` appends one line to the log. */
export type ReconcileHandlerPorts = {
  readonly policies: PolicySource;
  readonly ledger: Pick<Ledger, 'read' | 'readOrganization'>;
  readonly usage: UsageReader;
  readonly clock: Pick<Clock, 'nowEpochMs' | 'sleep'>;
  readonly environmentName: string;
  readonly log: Log;
  readonly write: (line: string) => void;
};

/** The stream needs far less than 30 s. Six attempts take three minutes, and the function may run for ten. */
const TIMING: ReconcileTiming = { quietPeriodMs: 30_000, attempts: 6 };

/**
 * Creates the daily reconciliation, which compares usage with the ledgers and changes neither. It logs a line for each
 * ledger that differs, and the metric that an alarm watches.
 *
 * @throws Error naming the ledgers that could not be read, after comparing all others.
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
