import { type KeyRecord, keyStatus } from '../access/key-record.ts';
import type { AuditLog } from '../kernel/audit-log.ts';
import { dayAt, formatUtc, MS_PER_DAY } from '../kernel/period.ts';
import type { UsageReader } from '../usage/ports.ts';
import type { KeyRepository } from './key-operations.ts';

/** What retirement needs of the world. */
export type RetirementPorts = {
  readonly repository: Pick<KeyRepository, 'list' | 'revoke'>;
  readonly audit: AuditLog;
  /** Where a revoked key is refused at once: the ledger of its team. */
  readonly ledger: { revokeKey(team: string, keyId: string): Promise<void> };
  readonly usage: UsageReader;
  readonly nowEpochMs: number;
};

/** How often a key has been used lately, whatever came of it. */
export type RecentUsage = { readonly requestsToday: number; readonly requestsYesterday: number };

/** What one run of retirement did and found. */
export type RetirementResult = {
  /** Replaced keys that were revoked, since nobody uses them any more. */
  readonly retired: readonly KeyRecord[];
  /** Replaced keys whose overlap is over, and that somebody still uses. */
  readonly inUse: readonly (KeyRecord & RecentUsage)[];
  /** Active keys that end within a week. */
  readonly expiring: readonly KeyRecord[];
  /** Teams whose keys could not be looked at or retired; the next run tries them again. */
  readonly failed: readonly string[];
};

/** How early an expiry is announced, in milliseconds; no key that was made for less is a surprise. */
const EXPIRY_NOTICE_MS = 7 * MS_PER_DAY;
/** What keys of no team are called where teams are named. */
const NO_TEAM = 'the organisation';
const UNUSED: RecentUsage = { requestsToday: 0, requestsYesterday: 0 };

/**
 * Revokes every key that has been replaced, whose overlap is over and that was used neither today nor yesterday (UTC), so
 * for 24 hours at least; and finds those that are still in use, and those that expire soon. Only calls of models count as
 * use, so a key that calls none is retired when its overlap is over.
 */
export async function retireKeys(ports: RetirementPorts, teams: Iterable<string>): Promise<RetirementResult> {
  const retired: KeyRecord[] = [];
  const inUse: (KeyRecord & RecentUsage)[] = [];
  const expiring: KeyRecord[] = [];
  const failed = new Set<string>();
  for (const team of [undefined, ...teams]) {
    try {
      const keys = await ports.repository.list(team);
      expiring.push(...keys.filter((key) => expiresSoon(key, ports.nowEpochMs)));
      const due = keys.filter((key) => isDue(key, ports.nowEpochMs));
      const uses = due.length === 0 ? new Map<string, RecentUsage>() : await readRecentUsage(ports, team);
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
export function formatRetirement({ retired, inUse, expiring }: RetirementResult): readonly string[] {
  const called = ({ name, keyId, team }: KeyRecord) =>
    `${name} (id ${keyId}, ${team === undefined ? NO_TEAM : `team ${team}`})`;
  const time = (epochMs: number | undefined) => formatUtc(epochMs ?? 0);
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
  return (
    keyStatus(key, nowEpochMs) === 'replaced' && (key.retireAfterEpochMs ?? Number.POSITIVE_INFINITY) <= nowEpochMs
  );
}

function expiresSoon(key: KeyRecord, nowEpochMs: number): boolean {
  const { expiresAtEpochMs, createdAtEpochMs } = key;
  if (expiresAtEpochMs === undefined || keyStatus(key, nowEpochMs) !== 'active') return false;
  return expiresAtEpochMs - nowEpochMs <= EXPIRY_NOTICE_MS && expiresAtEpochMs - createdAtEpochMs > EXPIRY_NOTICE_MS;
}

async function readRecentUsage(
  { usage, nowEpochMs }: RetirementPorts,
  team: string | undefined,
): Promise<ReadonlyMap<string, RecentUsage>> {
  const uses = new Map<string, RecentUsage>();
  if (team === undefined) return uses;
  const [yesterday, today] = [dayAt(nowEpochMs - MS_PER_DAY), dayAt(nowEpochMs)];
  for (const { keyId, day, requests, voided } of await usage.listRows(team, yesterday, today)) {
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
async function retire({ repository, audit, ledger, nowEpochMs }: RetirementPorts, key: KeyRecord): Promise<void> {
  await audit.append({
    atEpochMs: nowEpochMs,
    id: `retire-${key.keyId}`,
    actor: 'retirement',
    action: 'retire_key',
    subject: `key ${key.keyId}`,
    details: `${key.name}: replaced by ${key.rotatedTo}, and unused since yesterday began`,
    ...(key.team === undefined ? {} : { team: key.team }),
  });
  await repository.revoke(key.keyId);
  if (key.team !== undefined) await ledger.revokeKey(key.team, key.keyId);
}
