import middy from '@middy/core';
import type { Clock } from '../../kernel/clock.ts';
import { toUsdString } from '../../kernel/money.ts';
import { periodAt } from '../../kernel/period.ts';
import { type SweepableLedger, type SweepResult, sweepLedgers } from '../../ledger/sweep.ts';
import type { PolicySource } from '../../policy/policy-source.ts';
import { toEmfLine } from '../../telemetry/emf-record.ts';
import { DIMENSION, METRIC } from '../../telemetry/metrics.ts';
import { organizationSnapshot, PastSpendingReader, readBudgetStatuses } from '../budget-status.ts';
import { budgetMetricLine } from '../budget-status-metrics.ts';
import { type AlertDeliveryPorts, deliverMissedAlerts } from '../deliver-alerts.ts';

/** Dependencies of the sweep. `write` appends one line to the log. */
export type SweepPorts = {
  readonly policies: PolicySource;
  readonly ledger: SweepableLedger;
  readonly clock: Clock;
  readonly alerts: AlertDeliveryPorts;
  readonly environmentName: string;
  readonly write: (line: string) => void;
};

/**
 * Creates the scheduled sweep, which expires reservations, reports every budget's status, and delivers missed alerts. It
 * writes CloudWatch's embedded metric format, so one line is both the log entry and the metrics of alarms.
 *
 * @throws Error naming the ledgers that could not be swept and the alerts that could not be delivered, after all others.
 */
export function createSweepHandler({ policies, ledger, clock, alerts, environmentName, write }: SweepPorts) {
  const past = new PastSpendingReader(alerts.usage);
  return middy<unknown, void>({ timeoutEarlyInMillis: 0 }).handler(async () => {
    const { teams } = await policies.policies();
    const nowEpochMs = clock.nowEpochMs();
    const swept = await sweepLedgers(ledger, [...teams.keys()], nowEpochMs);
    write(sweepMetricLine(environmentName, swept, nowEpochMs));
    for (const status of await readBudgetStatuses(swept, teams, past, nowEpochMs))
      write(budgetMetricLine(environmentName, status, nowEpochMs));
    const periods = new Set([periodAt(nowEpochMs), ...swept.budgetSnapshots.map(({ period }) => period)]);
    const organization = [...periods].flatMap((period) => organizationSnapshot(swept, teams.values(), period) ?? []);
    const spenders = [...new Set([...teams.keys(), ...swept.budgetSnapshots.map(({ holder }) => holder)])];
    const undelivered = await deliverMissedAlerts(alerts, [...swept.budgetSnapshots, ...organization], spenders).catch(
      (error: Error) => [`of all teams: ${error.message}`],
    );
    const faults = [
      ...(swept.failed.length > 0 ? [`could not sweep the ledgers of ${swept.failed.join(', ')}`] : []),
      ...(undelivered.length > 0 ? [`could not deliver the alerts ${undelivered.join(', ')}`] : []),
    ];
    if (faults.length > 0) throw new Error(faults.join('; '));
  });
}

function sweepMetricLine(environmentName: string, swept: SweepResult, timestampEpochMs: number): string {
  const metrics = {
    [METRIC.overrunUsd]: 'None',
    [METRIC.assumedUsd]: 'None',
    [METRIC.expiredReservations]: 'Count',
  } as const;
  return toEmfLine({
    timestampEpochMs,
    groups: [{ by: [DIMENSION.environment], metrics }],
    values: {
      event: 'sweep_completed',
      [DIMENSION.environment]: environmentName,
      // Floats, for graphs and alarms only; the ledgers have the exact amounts.
      [METRIC.overrunUsd]: Number(toUsdString(swept.overrunPicoUsd)),
      [METRIC.assumedUsd]: Number(toUsdString(swept.assumedPicoUsd)),
      [METRIC.expiredReservations]: swept.expired,
      open: swept.open,
      ledgers: swept.ledgers,
    },
  });
}
