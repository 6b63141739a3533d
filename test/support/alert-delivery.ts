import type { Alert } from '../../lambda/alerts/alert.ts';
import { crossingId, type ThresholdCrossing } from '../../lambda/alerts/crossings.ts';
import type { AlertDeliveryPorts, AlertRecord, AlertRepository } from '../../lambda/alerts/deliver-alerts.ts';
import { picoUsd } from '../../lambda/kernel/money.ts';
import type { BudgetSnapshot } from '../../lambda/ledger/budget-snapshot.ts';
import { START_MS } from './ledger/ledger-fixtures.ts';

/** Dollars as pico-dollars, rounded to micro-dollars. */
export const usd = (amount: number) => picoUsd(BigInt(Math.round(amount * 1e6)) * 1_000_000n);

/** A snapshot of the team `a` in 2026-11 with a budget of $100. */
export function snapshotWith(fields: Partial<BudgetSnapshot> = {}): BudgetSnapshot {
  return { holder: 'a', period: '2026-11', spentPicoUsd: usd(0), limitPicoUsd: usd(100), ...fields };
}

/** An in-memory model of the alert table. */
export class MemoryAlertRepository implements AlertRepository {
  readonly records = new Map<string, AlertRecord>();
  readonly #claimIds = new Map<string, string>();
  reads = 0;

  async claim(
    crossing: ThresholdCrossing,
    { id, nowEpochMs, leaseEndsAtEpochMs }: Parameters<AlertRepository['claim']>[1],
  ): Promise<ThresholdCrossing | 'delivered' | 'busy'> {
    this.reads++;
    const name = crossingId(crossing);
    const known = this.records.get(name);
    if (known !== undefined && this.#claimIds.get(name) !== id) {
      if (known.deliveredAtEpochMs !== undefined) return 'delivered';
      if (known.leaseEndsAtEpochMs > nowEpochMs) return 'busy';
    }
    const first = known?.crossing ?? crossing;
    this.#claimIds.set(name, id);
    this.records.set(name, { crossing: first, leaseEndsAtEpochMs, deliveredAtEpochMs: known?.deliveredAtEpochMs });
    return first;
  }

  async markDelivered(crossing: ThresholdCrossing, nowEpochMs: number): Promise<void> {
    const name = crossingId(crossing);
    const known = this.records.get(name);
    if (known !== undefined)
      this.records.set(name, { ...known, deliveredAtEpochMs: known.deliveredAtEpochMs ?? nowEpochMs });
  }

  async listRecords(period: string): Promise<readonly AlertRecord[]> {
    this.reads++;
    return [...this.records.values()].filter(({ crossing }) => crossing.period === period);
  }
}

let ids = 0;

/** A process that delivers alerts, with lists of what it published and logged. */
export function alertDeliveryWith(claims: AlertRepository, overrides: Partial<AlertDeliveryPorts> = {}) {
  const published: Alert[] = [];
  const logged: Record<string, unknown>[] = [];
  const ports: AlertDeliveryPorts = {
    environmentName: 'test',
    settings: { percents: [50, 80, 95], usd: [100, 250, 400] },
    claims,
    usage: { listRows: async () => [] },
    publish: async (alert) => void published.push(alert),
    log: (event, facts) => logged.push({ event, ...facts }),
    nowEpochMs: () => START_MS,
    newId: () => `claim-${ids++}`,
    delivered: new Set(),
    ...overrides,
  };
  return { ports, published, logged };
}
