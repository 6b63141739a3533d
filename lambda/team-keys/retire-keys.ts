import { type KeyRecord, statusOf } from '../access/key-record.ts';
import type { AuditLog } from '../kernel/audit-log.ts';
import { dayOf, MS_PER_DAY, utcText } from '../kernel/period.ts';
import type { UsageReader } from '../usage/ports.ts';
import type { KeyShelf } from './key-operations.ts';

/** What retirement needs of the world. */
export type RetirementPorts = {
  readonly shelf: Pick<KeyShelf, 'list' | 'revoke'>;
  readonly audit: AuditLog;
  /** Where a revoked key is refused at once: the ledger of its team. */
  readonly ledger: { revokeKey(team: string, keyId: string): Promise<void> };
  readonly usage: UsageReader;
  readonly nowEpochMs: number;
};

/** How often a key has been used lately, whatever came of it. */
export type LateUse = { readonly requestsToday: number; readonly requestsYesterday: number };

/** What one run of retirement did and found. */
export type Retirement = {
  /** Replaced keys that were revoked, since nobody uses them any more. */
  readonly retired: readonly KeyRecord[];
  /** Replaced keys whose overlap is over, and that somebody still uses. */
  readonly inUse: readonly (KeyRecord & LateUse)[];
  /** Active keys that end within a week. */
  readonly expiring: readonly KeyRecord[];
  /** Teams whose keys could not be looked at or retired; the next run tries them again. */
  readonly failed: readonly string[];
};

/** How early an expiry is announced, in milliseconds; no key that was made for less is a surprise. */
const ANNOUNCE_WITHIN_MS = 7 * MS_PER_DAY;
/** What keys of no team are called where teams are named. */
const NO_TEAM = 'the organisation';
const UNUSED: LateUse = { requestsToday: 0, requestsYesterday: 0 };

/**
 * Revokes every key that has been replaced, whose overlap is over and that was used neither today nor yesterday (UTC), so
 * for 24 hours at least; and finds those that are still in use, and those that expire soon. Only calls of models count as
 * use, so a key that calls none is retired when its overlap is over.
 */
export async function retireKeys(ports: RetirementPorts, teams: Iterable<string>): Promise<Retirement> {
  const retired: KeyRecord[] = [];
  const inUse: (KeyRecord & LateUse)[] = [];
  const expiring: KeyRecord[] = [];
  const failed = new Set<string>();
  for (const team of [undefined, ...teams]) {
    try {
      const keys = await ports.shelf.list(team);
      expiring.push(...keys.filter((key) => expiresSoon(key, ports.nowEpochMs)));
      const due = keys.filter((key) => isDue(key, ports.nowEpochMs));
      const uses = due.length === 0 ? new Map<string, LateUse>() : await readLateUse(ports, team);
      for (const key of due) {
        const use = uses.get(key.keyId) ?? UNUSED;
        if (use.requestsToday + use.requestsYesterday > 0) inUse.push({ ...key, ...use });
        else {
          await retire(ports, key);
          retired.push(key);
        }
      }
    } catch {
      failed.add(team ?? NO_TEAM);
    }
  }
  return { retired, inUse, expiring, failed: [...failed] };
}

/** What people are told of a run, a line a key; nothing when nothing is theirs to do. */
export function tellRetirement({ retired, inUse, expiring }: Retirement): readonly string[] {
  const called = ({ name, keyId, team }: KeyRecord) =>
    `${name} (id ${keyId}, ${team === undefined ? NO_TEAM : `team ${team}`})`;
  const time = (epochMs: number | undefined) => utcText(epochMs ?? 0);
  return [
    ...inUse.map(
      (key) =>
        `Still in use: ${called(key)}, replaced by ${key.rotatedTo}, was to go from ${time(key.retireAfterEpochMs)} on: ` +
        `${key.requestsToday} requests today, ${key.requestsYesterday} yesterday. It goes once nobody has used it for a day.`,
    ),
    ...expiring.map(
      (key) => `Expires soon: ${called(key)} ends at ${time(key.expiresAtEpochMs)}. Rotate or replace it.`,
    ),
    ...retired.map((key) => `Retired: ${called(key)}, replaced by ${key.rotatedTo} and unused for a day.`),
  ];
}

function isDue(key: KeyRecord, nowEpochMs: number): boolean {
  return statusOf(key, nowEpochMs) === 'replaced' && (key.retireAfterEpochMs ?? Number.POSITIVE_INFINITY) <= nowEpochMs;
}

function expiresSoon(key: KeyRecord, nowEpochMs: number): boolean {
  const { expiresAtEpochMs, createdAtEpochMs } = key;
  if (expiresAtEpochMs === undefined || statusOf(key, nowEpochMs) !== 'active') return false;
  return (
    expiresAtEpochMs - nowEpochMs <= ANNOUNCE_WITHIN_MS && expiresAtEpochMs - createdAtEpochMs > ANNOUNCE_WITHIN_MS
  );
}

async function readLateUse(
  { usage, nowEpochMs }: RetirementPorts,
  team: string | undefined,
): Promise<ReadonlyMap<string, LateUse>> {
  const uses = new Map<string, LateUse>();
  if (team === undefined) return uses;
  const [yesterday, today] = [dayOf(nowEpochMs - MS_PER_DAY), dayOf(nowEpochMs)];
  for (const { keyId, day, requests, voided } of await usage.rowsOf(team, yesterday, today)) {
    const { requestsToday, requestsYesterday } = uses.get(keyId) ?? UNUSED;
    const more = requests + voided;
    uses.set(
      keyId,
      day === today
        ? { requestsToday: requestsToday + more, requestsYesterday }
        : { requestsToday, requestsYesterday: requestsYesterday + more },
    );
  }
  return uses;
}

/** Recorded before it is done: what cannot be recorded is not done. */
async function retire({ shelf, audit, ledger, nowEpochMs }: RetirementPorts, key: KeyRecord): Promise<void> {
  await audit.append({
    atEpochMs: nowEpochMs,
    id: `retire-${key.keyId}`,
    actor: 'retirement',
    action: 'retire_key',
    subject: `key ${key.keyId}`,
    details: `${key.name}: replaced by ${key.rotatedTo}, and unused since yesterday began`,
    ...(key.team === undefined ? {} : { team: key.team }),
  });
  await shelf.revoke(key.keyId);
  if (key.team !== undefined) await ledger.revokeKey(key.team, key.keyId);
}
