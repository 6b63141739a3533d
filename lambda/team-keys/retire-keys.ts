import { type KeyRecord, keyStatus } from '../access/key-record.ts';
import type { AuditLog } from '../kernel/audit-log.ts';
import { dayAt, formatUtc, MS_PER_DAY } from '../kernel/period.ts';
import type { UsageReader } from '../usage/ports.ts';
import { auditKeyChange } from './key-audit.ts';
import { enforceRevocation } from './key-operations.ts';
import type { KeyRepository, KeyRevoker } from './key-ports.ts';

/** Ports of retirement. */
export type RetirementPorts = {
  readonly repository: Pick<KeyRepository, 'list' | 'revoke'>;
  readonly audit: AuditLog;
  readonly ledger: KeyRevoker;
  readonly usage: UsageReader;
  readonly nowEpochMs: number;
};

/** The number of a key's recent requests, whatever their outcome. */
export type RecentUsage = { readonly requestsToday: number; readonly requestsYesterday: number };

/** The result of one run. */
export type RetirementResult = {
  /** Replaced keys that were out of use and are now revoked. */
  readonly retired: readonly KeyRecord[];
  /** Replaced keys past their overlap that are still in use. */
  readonly inUse: readonly (KeyRecord & RecentUsage)[];
  /** Active keys that expire within a week. */
  readonly expiring: readonly KeyRecord[];
  /** Teams whose keys could not be read or retired; the next run retries them. */
  readonly failed: readonly string[];
};

/** The time before its expiry from which a key is reported, in milliseconds; keys created for a shorter time are not. */
const EXPIRY_NOTICE_MS = 7 * MS_PER_DAY;
/** Stands for the team in messages about keys of no team. */
const NO_TEAM = 'the organisation';
const UNUSED: RecentUsage = { requestsToday: 0, requestsYesterday: 0 };

/**
 * Revokes every replaced key past its overlap that was used neither today nor yesterday (UTC), so for 24 hours at least.
 * Also finds such keys that are still in use, and keys that expire soon. Only model calls count as use: a key that makes
 * none is retired when its overlap ends.
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
        else retired.push(await retire(ports, key));
      }
    } catch {
      failed.add(team ?? NO_TEAM);
    }
  }
  return { retired, inUse, expiring, failed: [...failed] };
}

/** Formats a run's message to operators, a line per key; empty if there is nothing to report. */
export function formatRetirement({ retired, inUse, expiring }: RetirementResult): readonly string[] {
  const label = ({ name, keyId, team }: KeyRecord) =>
    `${name} (id ${keyId}, ${team === undefined ? NO_TEAM : `team ${team}`})`;
  const time = (epochMs: number | undefined) => formatUtc(epochMs ?? 0);
  return [
    ...inUse.map(
      (key) =>
        `Still in use: ${label(key)}, replaced by ${key.rotatedTo}, due for retirement since ${time(key.retireAfterEpochMs)}: ` +
        `${key.requestsToday} requests today, ${key.requestsYesterday} yesterday. It is retired once it has been unused for a day.`,
    ),
    ...expiring.map(
      (key) => `Expires soon: ${label(key)} expires at ${time(key.expiresAtEpochMs)}. Rotate or replace it.`,
    ),
    ...retired.map((key) => `Retired: ${label(key)}, replaced by ${key.rotatedTo} and unused for a day.`),
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
    const count = requests + voided;
    uses.set(
      keyId,
      day === today
        ? { requestsToday: requestsToday + count, requestsYesterday }
        : { requestsToday, requestsYesterday: requestsYesterday + count },
    );
  }
  return uses;
}

async function retire(ports: RetirementPorts, key: KeyRecord): Promise<KeyRecord> {
  const details = `${key.name}: replaced by ${key.rotatedTo}, and unused since yesterday began`;
  const entry = { atEpochMs: ports.nowEpochMs, id: `retire-${key.keyId}`, actor: 'retirement', action: 'retire_key' };
  await auditKeyChange(ports.audit, { ...entry, details, key });
  await enforceRevocation(ports, key);
  return key;
}
