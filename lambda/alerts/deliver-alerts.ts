import { mapInBatches } from '../kernel/batches.ts';
import type { Log } from '../kernel/clock.ts';
import { ORGANIZATION } from '../kernel/organization.ts';
import { type Period, periodDayRange } from '../kernel/period.ts';
import type { BudgetSnapshot } from '../ledger/budget-snapshot.ts';
import type { UsageReader } from '../usage/ports.ts';
import type { UsageRow } from '../usage/usage.ts';
import { type Alert, buildAlert } from './alert.ts';
import { pastDayRange } from './burn-rate.ts';
import { type AlertThresholds, crossingId, firstCrossings, type ThresholdCrossing } from './crossings.ts';

/*
 * The life of an alert, of which there is one per holder, period and threshold:
 *
 *   (none) ──claim──▶ claimed ──publish──▶ published ──mark──▶ delivered: never published again
 *                        ▲                     │
 *                        └── lease expired: the next process claims it and publishes the same alert
 *
 * Delivery is at least once. An alert is published twice only if a process dies, or stalls for longer than the lease,
 * between publishing and marking. Both have the same alertId.
 */

/** A process's claim to deliver an alert, exclusive until its lease ends. */
export type AlertClaim = { readonly id: string; readonly nowEpochMs: number; readonly leaseEndsAtEpochMs: number };

/** A stored alert. */
export type AlertRecord = {
  /** The first snapshot that reached the threshold. */
  readonly crossing: ThresholdCrossing;
  readonly leaseEndsAtEpochMs: number;
  /** Undefined while it is claimed but perhaps not published. */
  readonly deliveredAtEpochMs: number | undefined;
};

/** Store of alerts and their delivery. */
export interface AlertRepository {
  /** Claims an alert and returns its first crossing; or `delivered`, or `busy` during another process's lease. */
  claim(crossing: ThresholdCrossing, claim: AlertClaim): Promise<ThresholdCrossing | 'delivered' | 'busy'>;
  markDelivered(crossing: ThresholdCrossing, nowEpochMs: number, text: string): Promise<void>;
  /** Lists all alerts of a period. */
  listRecords(period: Period): Promise<readonly AlertRecord[]>;
}

/** Dependencies of the delivery of alerts. */
export type AlertDeliveryPorts = {
  readonly environmentName: string;
  readonly settings: AlertThresholds;
  readonly claims: AlertRepository;
  readonly usage: UsageReader;
  readonly publish: (alert: Alert) => Promise<void>;
  readonly log: Log;
  readonly nowEpochMs: () => number;
  readonly newId: () => string;
  /** Cache of alerts that are known to be delivered. It is bounded by the number of thresholds. */
  readonly delivered: Set<string>;
};

/** Maximum number of teams whose usage is read concurrently. */
const MAX_CONCURRENT_READS = 8;
/** Lease of a claim. It is shorter than the interval between sweeps. */
export const LEASE_MS = 120_000;

/**
 * Delivers an alert for each crossed threshold that has none yet. It reads and writes nothing if no threshold is crossed, or
 * if this process knows that the alerts are delivered.
 *
 * @returns the ids of undelivered alerts, which the sweep retries.
 */
export async function deliverAlerts(
  ports: AlertDeliveryPorts,
  budgetSnapshots: readonly BudgetSnapshot[],
  teams: readonly string[] = [],
): Promise<readonly string[]> {
  return await deliverAll(ports, firstCrossings(budgetSnapshots, ports.settings), teams);
}

/**
 * Delivers missed alerts: of crossings without a claim, and of claims whose lease expired, even if the spending is below the
 * threshold again. `teams` are all teams with spending. Returns the ids of undelivered alerts.
 */
export async function deliverMissedAlerts(
  ports: AlertDeliveryPorts,
  budgetSnapshots: readonly BudgetSnapshot[],
  teams: readonly string[],
): Promise<readonly string[]> {
  const missed = new Map(
    firstCrossings(budgetSnapshots, ports.settings).map((crossing) => [crossingId(crossing), crossing]),
  );
  for (const period of new Set(budgetSnapshots.map((snapshot) => snapshot.period))) {
    for (const { crossing, deliveredAtEpochMs } of await ports.claims.listRecords(period)) {
      const name = crossingId(crossing);
      if (deliveredAtEpochMs === undefined) missed.set(name, crossing);
      else {
        ports.delivered.add(name);
        missed.delete(name);
      }
    }
  }
  return await deliverAll(ports, [...missed.values()], teams);
}

async function deliverAll(
  ports: AlertDeliveryPorts,
  crossings: readonly ThresholdCrossing[],
  teams: readonly string[],
): Promise<readonly string[]> {
  const undelivered: string[] = [];
  for (const crossing of crossings) {
    const name = crossingId(crossing);
    if (ports.delivered.has(name)) continue;
    try {
      if ((await deliverAlert(ports, crossing, teams)) === 'delivered') ports.delivered.add(name);
    } catch (error) {
      ports.log('alert_undelivered', { alert: name, error: error instanceof Error ? error.name : 'unknown' });
      undelivered.push(name);
    }
  }
  return undelivered;
}

async function deliverAlert(
  ports: AlertDeliveryPorts,
  seen: ThresholdCrossing,
  teams: readonly string[],
): Promise<'delivered' | 'busy'> {
  const nowEpochMs = ports.nowEpochMs();
  const claim = { id: ports.newId(), nowEpochMs, leaseEndsAtEpochMs: nowEpochMs + LEASE_MS };
  const crossing = await ports.claims.claim(seen, claim);
  if (typeof crossing === 'string') return crossing;
  const rows = await listRows(ports.usage, crossing, teams, nowEpochMs);
  const alert = buildAlert(ports.environmentName, crossing, rows, nowEpochMs);
  await ports.publish(alert);
  const { level, alertId, spentUsd, limitUsd, text } = alert;
  ports.log('budget_threshold_crossed', { level, alertId, spentUsd, limitUsd, text });
  await ports.claims.markDelivered(crossing, ports.nowEpochMs(), text);
  return 'delivered';
}

async function listRows(
  usage: UsageReader,
  { holder, period }: ThresholdCrossing,
  teams: readonly string[],
  nowEpochMs: number,
): Promise<readonly UsageRow[]> {
  const month = periodDayRange(period);
  const past = pastDayRange(nowEpochMs);
  const from = past.from < month.from ? past.from : month.from;
  const spenders = holder === ORGANIZATION ? teams : [holder];
  return (await mapInBatches(spenders, MAX_CONCURRENT_READS, (team) => usage.listRows(team, from, month.to))).flat();
}
