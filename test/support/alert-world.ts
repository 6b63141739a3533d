import type { Alert } from '../../lambda/alerts/alert.ts';
import type { AlertClaims, AlertRecord, AnnouncePorts } from '../../lambda/alerts/announce-crossings.ts';
import { type Crossing, crossingName } from '../../lambda/alerts/crossings.ts';
import { picoUsd } from '../../lambda/kernel/money.ts';
import type { Sight } from '../../lambda/ledger/budget-standing.ts';
import { START_MS } from './ledger/ledger-terms.ts';

/** Dollars, whole. */
export const usd = (amount: number) => picoUsd(BigInt(Math.round(amount * 1e6)) * 1_000_000n);

/** A sight of the team `a` in 2026-11 with a budget of $100. */
export function sightWith(fields: Partial<Sight> = {}): Sight {
  return { holder: 'a', period: '2026-11', spent: usd(0), limit: usd(100), ...fields };
}

/** Which alerts have been told, in memory: what the table must do, by the words of its port. */
export class MemoryClaims implements AlertClaims {
  readonly records = new Map<string, AlertRecord>();
  readonly #claimIds = new Map<string, string>();
  reads = 0;

  async claim(
    crossing: Crossing,
    { id, nowEpochMs, leaseEndsAtEpochMs }: Parameters<AlertClaims['claim']>[1],
  ): Promise<Crossing | 'told' | 'busy'> {
    this.reads++;
    const name = crossingName(crossing);
    const known = this.records.get(name);
    if (known !== undefined && this.#claimIds.get(name) !== id) {
      if (known.toldAtEpochMs !== undefined) return 'told';
      if (known.leaseEndsAtEpochMs > nowEpochMs) return 'busy';
    }
    const first = known?.crossing ?? crossing;
    this.#claimIds.set(name, id);
    this.records.set(name, { crossing: first, leaseEndsAtEpochMs, toldAtEpochMs: known?.toldAtEpochMs });
    return first;
  }

  async markTold(crossing: Crossing, nowEpochMs: number): Promise<void> {
    const name = crossingName(crossing);
    const known = this.records.get(name);
    if (known !== undefined) this.records.set(name, { ...known, toldAtEpochMs: known.toldAtEpochMs ?? nowEpochMs });
  }

  async recordsOf(period: string): Promise<readonly AlertRecord[]> {
    this.reads++;
    return [...this.records.values()].filter(({ crossing }) => crossing.period === period);
  }
}

let ids = 0;

/** A process that announces; what it publishes and logs is in `published` and `logged`. */
export function announcerWith(claims: AlertClaims, more: Partial<AnnouncePorts> = {}) {
  const published: Alert[] = [];
  const logged: Record<string, unknown>[] = [];
  const ports: AnnouncePorts = {
    environmentName: 'test',
    settings: { percents: [50, 80, 95], usd: [100, 250, 400] },
    claims,
    usage: { rowsOf: async () => [] },
    publish: async (alert) => void published.push(alert),
    log: (event, facts) => logged.push({ event, ...facts }),
    nowEpochMs: () => START_MS,
    newId: () => `claim-${ids++}`,
    told: new Set(),
    ...more,
  };
  return { ports, published, logged };
}
