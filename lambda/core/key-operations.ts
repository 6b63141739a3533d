import type { Identity } from './identity.ts';
import type { KeyRecord } from './key-record.ts';
import { statusOf } from './key-record.ts';
import { type KeyRules, parseKeyRequest, type WantedKey } from './key-request.ts';
import { periodOf, utcText } from './period.ts';
import { type Action, reachOf } from './permissions.ts';
import type { AuditEntry, AuditLog } from './ports.ts';
import { INVALID_KEY, type Refusal, refuse } from './refusals.ts';

/** Where keys are kept. */
export interface KeyShelf {
  read(keyId: string): Promise<KeyRecord | undefined>;
  /** A team's keys, those of no team for undefined. */
  list(team: string | undefined): Promise<readonly KeyRecord[]>;
  /** Makes a key, stores its record and hash; returns the key itself, for this once. */
  make(wanted: Omit<KeyRecord, 'keyId'>): Promise<{ readonly key: string; readonly record: KeyRecord }>;
  /** Ends a key; one that has ended keeps its time. */
  revoke(keyId: string): Promise<void>;
  /** Marks a key as one that another takes the place of; false when it has been marked or revoked already. */
  replace(keyId: string, by: string, retireAfterEpochMs: number): Promise<boolean>;
}

/** What operations on keys need of the world. */
export type KeyPorts = {
  readonly shelf: KeyShelf;
  readonly audit: AuditLog;
  /** Where a revoked key is refused at once: the ledger of its team. */
  readonly ledger: { revokeKey(team: string, keyId: string): Promise<void> };
  readonly rules: KeyRules;
};

/** Who acts, and from where. */
export type Caller = {
  readonly identity: Identity;
  /** For the audit trail: a key's id, or an IAM principal. */
  readonly actor: string;
  readonly source: string;
  /** Of the request; the same act told twice is one entry. */
  readonly requestId: string;
  /** Whether the identity is of a key, and no IAM principal's. */
  readonly isKey: boolean;
};

/** The longest that an old key goes on beside the new one, in hours: a week. */
const MAX_OVERLAP_HOURS = 168;
const MS_PER_HOUR = 3_600_000;

/** Whether the caller's own key still stands: what is decided here bites at once, whatever API Gateway remembers. */
export async function checkCaller(
  { shelf, rules }: KeyPorts,
  caller: Caller,
): Promise<KeyRecord | undefined | Refusal> {
  if (!caller.isKey) return undefined;
  const record = await shelf.read(caller.identity.keyId);
  const works = record !== undefined && ['active', 'replaced'].includes(statusOf(record, rules.nowEpochMs));
  return works ? record : refuse('invalid_api_key', INVALID_KEY);
}

/** Makes a key that its caller may make. */
export async function createKey(
  ports: KeyPorts,
  caller: Caller,
  bodyText: string,
): Promise<{ readonly key: string; readonly record: KeyRecord } | Refusal> {
  const { identity } = caller;
  if (reachOf(identity, 'create_keys') === 'none')
    return refuse(
      'forbidden',
      `A key with the role "${identity.role}" may not make keys. Ask a lead or an administrator.`,
    );
  const own = await checkCaller(ports, caller);
  if (own !== undefined && 'reason' in own) return own;
  const wanted = parseKeyRequest(bodyText, identity, own?.expiresAtEpochMs, ports.rules);
  if ('reason' in wanted) return wanted;
  await record(ports, caller, 'create_key', wanted.name, wanted.team, describe(wanted));
  const createdAtEpochMs = ports.rules.nowEpochMs;
  return await ports.shelf.make({ ...wanted, createdAtEpochMs, createdBy: caller.actor });
}

/** The keys that the caller may see, revoked ones included. */
export async function listKeys(
  ports: KeyPorts,
  caller: Caller,
  team: string | undefined,
): Promise<readonly KeyRecord[] | Refusal> {
  const { identity } = caller;
  const reach = reachOf(identity, 'read_keys');
  const own = await checkCaller(ports, caller);
  if (own !== undefined && 'reason' in own) return own;
  if (reach === 'own') return own === undefined ? [] : [own];
  if (reach === 'team') return await ports.shelf.list(identity.team);
  const teams = team === undefined ? [undefined, ...ports.rules.teams.keys()] : [team];
  return (await Promise.all(teams.map((one) => ports.shelf.list(one)))).flat();
}

/** One key, if the caller may do this with it; one that it may not see does not exist for it. */
export async function findKey(
  ports: KeyPorts,
  caller: Caller,
  keyId: string,
  action: Action,
): Promise<KeyRecord | Refusal> {
  const own = await checkCaller(ports, caller);
  if (own !== undefined && 'reason' in own) return own;
  const id = keyId === 'me' && caller.isKey ? caller.identity.keyId : keyId;
  const found = /^[a-z0-9]{12}$/.test(id) ? await ports.shelf.read(id) : undefined;
  const missing = refuse(
    'key_not_found',
    `There is no key "${id.slice(0, 40)}" that this key may see. GET /openai/v1/api-keys lists them.`,
  );
  if (found === undefined || !covers(reachOf(caller.identity, 'read_keys'), caller.identity, found)) return missing;
  if (covers(reachOf(caller.identity, action), caller.identity, found)) return found;
  return refuse(
    'forbidden',
    `A key with the role "${caller.identity.role}" may not do that. Ask a lead or an administrator.`,
  );
}

/** Ends a key: in the ledger from the next call on, at the edge within a minute. */
export async function revokeKey(
  ports: KeyPorts,
  caller: Caller,
  keyId: string,
  reason: string,
): Promise<KeyRecord | Refusal> {
  const found = await findKey(ports, caller, keyId, 'revoke_keys');
  if ('reason' in found) return found;
  await record(
    ports,
    caller,
    'revoke_key',
    found.keyId,
    found.team,
    `${found.name}${reason === '' ? '' : `: ${reason}`}`,
  );
  await ports.shelf.revoke(found.keyId);
  if (found.team !== undefined) await ports.ledger.revokeKey(found.team, found.keyId);
  return { ...found, revokedAtEpochMs: found.revokedAtEpochMs ?? ports.rules.nowEpochMs };
}

/** Makes a key that takes another's place; both work for so long, and the old one until nobody has used it for a day. */
export async function rotateKey(
  ports: KeyPorts,
  caller: Caller,
  keyId: string,
  overlapHours: number,
): Promise<{ readonly key: string; readonly record: KeyRecord; readonly old: KeyRecord } | Refusal> {
  const { shelf, rules } = ports;
  const old = await findKey(ports, caller, keyId, 'rotate_keys');
  if ('reason' in old) return old;
  if (!(overlapHours >= 0 && overlapHours <= MAX_OVERLAP_HOURS))
    return refuse('invalid_request', `"overlap_hours" must be from 0 to ${MAX_OVERLAP_HOURS}.`, {
      param: 'overlap_hours',
    });
  const status = statusOf(old, rules.nowEpochMs);
  if (status !== 'active')
    return refuse(
      'invalid_request',
      `The key ${old.keyId} is ${status}${old.rotatedTo === undefined ? '' : ` by ${old.rotatedTo}`}; only an active one can be rotated.`,
    );
  const retireAfterEpochMs = rules.nowEpochMs + overlapHours * MS_PER_HOUR;
  const name = rotatedName(old.name, rules.nowEpochMs);
  await record(
    ports,
    caller,
    'rotate_key',
    old.keyId,
    old.team,
    `${old.name} → ${name}; both work until ${utcText(retireAfterEpochMs)}`,
  );
  const { keyId: _old, rotatedTo: _to, retireAfterEpochMs: _after, ...same } = old;
  const made = await shelf.make({
    ...same,
    ...heirOf(old),
    name,
    createdAtEpochMs: rules.nowEpochMs,
    createdBy: caller.actor,
  });
  if (await shelf.replace(old.keyId, made.record.keyId, retireAfterEpochMs))
    return { ...made, old: { ...old, rotatedTo: made.record.keyId, retireAfterEpochMs } };
  // Two rotations at once: one key takes the old one's place, and the other never was.
  await shelf.revoke(made.record.keyId);
  return refuse('idempotency_conflict', `The key ${old.keyId} has just been rotated by another request.`);
}

/** What a key takes over from the one whose place it takes: its limits, counted on as one line. */
export function heirOf(old: KeyRecord | undefined): Pick<KeyRecord, 'scope'> {
  return old?.scope === undefined ? {} : { scope: { ...old.scope, line: old.scope.line ?? old.keyId } };
}

/** A rotated key's name carries the month, in place of the month before. */
export function rotatedName(name: string, nowEpochMs: number): string {
  return `${name.replace(/-\d{4}-\d{2}$/, '')}-${periodOf(nowEpochMs)}`;
}

function covers(reach: ReturnType<typeof reachOf>, { keyId, team }: Identity, key: KeyRecord): boolean {
  switch (reach) {
    case 'all':
      return true;
    case 'team':
      return key.team !== undefined && key.team === team;
    case 'own':
      return key.keyId === keyId;
    case 'none':
      return false;
  }
}

function describe({ name, role, scope, expiresAtEpochMs }: WantedKey): string {
  const until = expiresAtEpochMs === undefined ? '' : ` until ${utcText(expiresAtEpochMs)}`;
  return `${name}, role ${role}${until}${scope === undefined ? '' : `, narrowed to ${JSON.stringify(scope)}`}`;
}

/** Before the act: what cannot be recorded is not done. */
async function record(
  { audit, rules }: KeyPorts,
  { actor, source, requestId }: Caller,
  action: string,
  subject: string,
  team: string | undefined,
  details: string,
): Promise<void> {
  const entry: AuditEntry = {
    atEpochMs: rules.nowEpochMs,
    id: requestId,
    actor,
    action,
    subject: `key ${subject}`,
    details,
    source,
    ...(team === undefined ? {} : { team }),
  };
  await audit.append(entry);
}
