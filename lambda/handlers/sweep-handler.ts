import middy from '@middy/core';
import { metricLine } from '../core/metric-line.ts';
import { DIMENSION, METRIC } from '../core/metrics.ts';
import { usdText } from '../core/money.ts';
import type { Clock, PolicySource } from '../core/ports.ts';
import { type SweepableLedger, sweepLedgers } from '../core/sweep.ts';

/** What the sweep needs of the world; `write` takes one line for the log. */
export type SweepPorts = {
  readonly policies: PolicySource;
  readonly ledger: SweepableLedger;
  readonly clock: Clock;
  readonly environmentName: string;
  readonly write: (line: string) => void;
};

/**
 * Makes the scheduled sweep. It reports by CloudWatch's embedded metric format, so one line is both the log of what was
 * done and the metrics that alarms watch.
 *
 * @throws Error naming the teams whose ledgers could not be swept, after all others have been.
 */
export function createSweep({ policies, ledger, clock, environmentName, write }: SweepPorts) {
  return middy<unknown, void>({ timeoutEarlyInMillis: 0 }).handler(async () => {
    const { teams } = await policies.policies();
    const swept = await sweepLedgers(ledger, [...teams.keys()], clock.nowEpochMs());
    write(
      metricLine({
        timestampEpochMs: clock.nowEpochMs(),
        groups: [
          {
            by: [DIMENSION.environment],
            metrics: {
              [METRIC.overrunUsd]: 'None',
              [METRIC.assumedUsd]: 'None',
              [METRIC.expiredReservations]: 'Count',
            },
          },
        ],
        values: {
          event: 'swept',
          [DIMENSION.environment]: environmentName,
          // For graphs and alarms only; the ledgers have the exact figures.
          [METRIC.overrunUsd]: Number(usdText(swept.overrunPicoUsd)),
          [METRIC.assumedUsd]: Number(usdText(swept.assumedPicoUsd)),
          [METRIC.expiredReservations]: swept.expired,
          open: swept.open,
          ledgers: swept.ledgers,
        },
      }),
    );
    if (swept.failed.length > 0) throw new Error(`could not sweep the ledgers of ${swept.failed.join(', ')}`);
  });
}
