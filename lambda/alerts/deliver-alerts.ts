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
 * The life of an alert, one a holder, period and threshold:
 *
 *   (none) ──claim──▶ claimed ──publish──▶ published ──mark──▶ told: nobody publishes it any more
 *                        ▲                     │
 *                        └── the lease is over: whoever comes next claims it, and publishes the same alert (again)
 *
 * So it is never lost; it is told twice only when a process dies, or stalls for as long as the lease, between publishing
 * and marking. Both bear the same alertId.
 */

/** Who tells an alert, and until when nobody else does. */
export type AlertClaim = { readonly id: string; readonly nowEpochMs: number; readonly leaseEndsAtEpochMs: number };

/** An alert as it is remembered. */
export type AlertRecord = {
  /** As it was first seen. */
  readonly crossing: ThresholdCrossing;
  readonly leaseEndsAtEpochMs: number;
  /** Undefined: claimed, and perhaps not published. */
  readonly deliveredAtEpochMs: number | undefined;
};

/** Where it is remembered which alerts have been told. */
export interface AlertRepository {
  /** The crossing as it was first seen, for whoever has the claim now; `delivered`, or `busy` while another's lease lasts. */
  claim(crossing: ThresholdCrossing, claim: AlertClaim): Promise<ThresholdCrossing | 'told' | 'busy'>;
  markDelivered(crossing: ThresholdCrossing, nowEpochMs: number, text: string): Promise<void>;
  /** All of a period. */
  listRecords(period: Period): Promise<readonly AlertRecord[]>;
}

/** What announcing needs of the world. */
export type AlertDeliveryPorts = {
  readonly environmentName: string;
  readonly settings: AlertThresholds;
  readonly claims: AlertRepository;
  readonly usage: UsageReader;
  readonly publish: (alert: Alert) => Promise<void>;
  readonly log: Log;
  readonly nowEpochMs: () => number;
  readonly newId: () => string;
  /** What this process knows to have been told, so that nothing is asked again: as many as there are thresholds. */
  readonly delivered: Set<string>;
};

/** How many teams' usage is read at once. */
const MAX_CONCURRENT_READS = 8;
/** How long whoever has claimed an alert may take to publish it, in milliseconds: less than from sweep to sweep. */
export const LEASE_MS = 120_000;

/**
 * Tells each threshold that has been crossed, unless it has been told: reads and writes nothing where none has, or where
 * this process knows of it.
 *
 * @returns what could not be told; the sweep tries it again.
 */
export async function deliverAlerts(
  ports: AlertDeliveryPorts,
  budgetSnapshots: readonly BudgetSnapshot[],
  teams: readonly string[] = [],
): Promise<readonly string[]> {
  return await deliverAll(ports, firstCrossings(budgetSnapshots, ports.settings), teams);
}

/**
 * The same for what has been missed, in periods: crossings that nobody has claimed, and claims that nobody has told in
 * time, also where the spending is below the threshold again. `teams` are all that may have spent.
 */
export async function deliverMissedAlerts(
  ports: AlertDeliveryPorts,
  budgetSnapshots: readonly BudgetSnapshot[],
  teams: readonly string[],
): Promise<readonly string[]> {
  const missed = new Map(firstCrossings(budgetSnapshots, ports.settings).map((one) => [crossingId(one), one]));
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
      if ((await deliverAlert(ports, crossing, teams)) === 'told') ports.delivered.add(name);
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
): Promise<'told' | 'busy'> {
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
  return 'told';
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
