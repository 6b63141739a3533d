import middy from '@middy/core';
import type { Clock } from '../../kernel/clock.ts';
import { usdText } from '../../kernel/money.ts';
import { periodOf } from '../../kernel/period.ts';
import { type SweepableLedger, type Swept, sweepLedgers } from '../../ledger/sweep.ts';
import type { PolicySource } from '../../policy/policy-source.ts';
import { metricLine } from '../../telemetry/metric-line.ts';
import { DIMENSION, METRIC } from '../../telemetry/metrics.ts';
import { type AnnouncePorts, announceMissed } from '../announce-crossings.ts';
import { standingLine } from '../standing-metrics.ts';
import { organizationSight, PastReader, readStandings } from '../standings.ts';

/** What the sweep needs of the world; `write` takes one line for the log. */
export type SweepPorts = {
  readonly policies: PolicySource;
  readonly ledger: SweepableLedger;
  readonly clock: Clock;
  readonly alerts: AnnouncePorts;
  readonly environmentName: string;
  readonly write: (line: string) => void;
};

/**
 * Makes the scheduled sweep: it expires reservations, writes what every budget stands at, and tells the alerts that nobody
 * has told. It reports by CloudWatch's embedded metric format, so one line is both the log and the metrics that alarms
 * watch.
 *
 * @throws Error naming the ledgers that could not be swept and the alerts that could not be told, after all others.
 */
export function createSweep({ policies, ledger, clock, alerts, environmentName, write }: SweepPorts) {
  const past = new PastReader(alerts.usage);
  return middy<unknown, void>({ timeoutEarlyInMillis: 0 }).handler(async () => {
    const { teams } = await policies.policies();
    const nowEpochMs = clock.nowEpochMs();
    const swept = await sweepLedgers(ledger, [...teams.keys()], nowEpochMs);
    write(sweptLine(environmentName, swept, nowEpochMs));
    for (const standing of await readStandings(swept, teams, past, nowEpochMs))
      write(standingLine(environmentName, standing, nowEpochMs));
    const periods = new Set([periodOf(nowEpochMs), ...swept.sights.map(({ period }) => period)]);
    const all = [...periods].flatMap((period) => organizationSight(swept, teams.values(), period) ?? []);
    const spenders = [...new Set([...teams.keys(), ...swept.sights.map(({ holder }) => holder)])];
    const untold = await announceMissed(alerts, [...swept.sights, ...all], spenders).catch((error: Error) => [
      `of all, since it ${error.message}`,
    ]);
    const faults = [
      ...(swept.failed.length > 0 ? [`could not sweep the ledgers of ${swept.failed.join(', ')}`] : []),
      ...(untold.length > 0 ? [`could not tell the alerts ${untold.join(', ')}`] : []),
    ];
    if (faults.length > 0) throw new Error(faults.join('; '));
  });
}

function sweptLine(environmentName: string, swept: Swept, timestampEpochMs: number): string {
  const metrics = {
    [METRIC.overrunUsd]: 'None',
    [METRIC.assumedUsd]: 'None',
    [METRIC.expiredReservations]: 'Count',
  } as const;
  return metricLine({
    timestampEpochMs,
    groups: [{ by: [DIMENSION.environment], metrics }],
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
  });
}
