import middy from '@middy/core';
import { METRICS_NAMESPACE } from '../contract.ts';
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
    const metrics = [
      { Name: 'OverrunUsd', Unit: 'None' },
      { Name: 'AssumedUsd', Unit: 'None' },
      { Name: 'ExpiredReservations', Unit: 'Count' },
    ];
    write(
      JSON.stringify({
        _aws: {
          Timestamp: clock.nowEpochMs(),
          CloudWatchMetrics: [{ Namespace: METRICS_NAMESPACE, Dimensions: [['Environment']], Metrics: metrics }],
        },
        event: 'swept',
        Environment: environmentName,
        // For graphs and alarms only; the ledgers have the exact figures.
        OverrunUsd: Number(usdText(swept.overrunPicoUsd)),
        AssumedUsd: Number(usdText(swept.assumedPicoUsd)),
        ExpiredReservations: swept.expired,
        open: swept.open,
        ledgers: swept.ledgers,
      }),
    );
    if (swept.failed.length > 0) throw new Error(`could not sweep the ledgers of ${swept.failed.join(', ')}`);
  });
}
