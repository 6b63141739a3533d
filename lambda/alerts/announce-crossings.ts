import type { Log } from '../kernel/clock.ts';
import { ORGANIZATION } from '../kernel/holder.ts';
import { inBatches } from '../kernel/in-batches.ts';
import { daysOf, type Period } from '../kernel/period.ts';
import type { Sight } from '../ledger/budget-standing.ts';
import type { UsageReader } from '../usage/ports.ts';
import type { UsageRow } from '../usage/usage.ts';
import { type Alert, alertOf } from './alert.ts';
import { pastDaysOf } from './burn-rate.ts';
import { type AlertSettings, type Crossing, crossingName, firstCrossings } from './crossings.ts';

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
  readonly crossing: Crossing;
  readonly leaseEndsAtEpochMs: number;
  /** Undefined: claimed, and perhaps not published. */
  readonly toldAtEpochMs: number | undefined;
};

/** Where it is remembered which alerts have been told. */
export interface AlertClaims {
  /** The crossing as it was first seen, for whoever has the claim now; `told`, or `busy` while another's lease lasts. */
  claim(crossing: Crossing, claim: AlertClaim): Promise<Crossing | 'told' | 'busy'>;
  markTold(crossing: Crossing, nowEpochMs: number, text: string): Promise<void>;
  /** All of a period. */
  recordsOf(period: Period): Promise<readonly AlertRecord[]>;
}

/** What announcing needs of the world. */
export type AnnouncePorts = {
  readonly environmentName: string;
  readonly settings: AlertSettings;
  readonly claims: AlertClaims;
  readonly usage: UsageReader;
  readonly publish: (alert: Alert) => Promise<void>;
  readonly log: Log;
  readonly nowEpochMs: () => number;
  readonly newId: () => string;
  /** What this process knows to have been told, so that nothing is asked again: as many as there are thresholds. */
  readonly told: Set<string>;
};

/** How many teams' usage is read at once. */
const AT_ONCE = 8;
/** How long whoever has claimed an alert may take to publish it, in milliseconds: less than from sweep to sweep. */
export const LEASE_MS = 120_000;

/**
 * Tells each threshold that has been crossed, unless it has been told: reads and writes nothing where none has, or where
 * this process knows of it.
 *
 * @returns what could not be told; the sweep tries it again.
 */
export async function announceCrossings(
  ports: AnnouncePorts,
  sights: readonly Sight[],
  teams: readonly string[] = [],
): Promise<readonly string[]> {
  return await announceAll(ports, firstCrossings(sights, ports.settings), teams);
}

/**
 * The same for what has been missed, in periods: crossings that nobody has claimed, and claims that nobody has told in
 * time, also where the spending is below the threshold again. `teams` are all that may have spent.
 */
export async function announceMissed(
  ports: AnnouncePorts,
  sights: readonly Sight[],
  teams: readonly string[],
): Promise<readonly string[]> {
  const missed = new Map(firstCrossings(sights, ports.settings).map((one) => [crossingName(one), one]));
  for (const period of new Set(sights.map((sight) => sight.period))) {
    for (const { crossing, toldAtEpochMs } of await ports.claims.recordsOf(period)) {
      const name = crossingName(crossing);
      if (toldAtEpochMs === undefined) missed.set(name, crossing);
      else {
        ports.told.add(name);
        missed.delete(name);
      }
    }
  }
  return await announceAll(ports, [...missed.values()], teams);
}

async function announceAll(
  ports: AnnouncePorts,
  crossings: readonly Crossing[],
  teams: readonly string[],
): Promise<readonly string[]> {
  const untold: string[] = [];
  for (const crossing of crossings) {
    const name = crossingName(crossing);
    if (ports.told.has(name)) continue;
    try {
      if ((await announce(ports, crossing, teams)) === 'told') ports.told.add(name);
    } catch (error) {
      ports.log('alert_untold', { alert: name, error: error instanceof Error ? error.name : 'unknown' });
      untold.push(name);
    }
  }
  return untold;
}

async function announce(ports: AnnouncePorts, seen: Crossing, teams: readonly string[]): Promise<'told' | 'busy'> {
  const nowEpochMs = ports.nowEpochMs();
  const claim = { id: ports.newId(), nowEpochMs, leaseEndsAtEpochMs: nowEpochMs + LEASE_MS };
  const crossing = await ports.claims.claim(seen, claim);
  if (typeof crossing === 'string') return crossing;
  const rows = await rowsOf(ports.usage, crossing, teams, nowEpochMs);
  const alert = alertOf(ports.environmentName, crossing, rows, nowEpochMs);
  await ports.publish(alert);
  const { level, alertId, spentUsd, limitUsd, text } = alert;
  ports.log('budget_threshold_crossed', { level, alertId, spentUsd, limitUsd, text });
  await ports.claims.markTold(crossing, ports.nowEpochMs(), text);
  return 'told';
}

async function rowsOf(
  usage: UsageReader,
  { holder, period }: Crossing,
  teams: readonly string[],
  nowEpochMs: number,
): Promise<readonly UsageRow[]> {
  const month = daysOf(period);
  const past = pastDaysOf(nowEpochMs);
  const from = past.from < month.from ? past.from : month.from;
  const spenders = holder === ORGANIZATION ? teams : [holder];
  return (await inBatches(spenders, AT_ONCE, (team) => usage.rowsOf(team, from, month.to))).flat();
}
