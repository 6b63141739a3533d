import type { Identity } from '../access/identity.ts';
import { type KeyRecord, keyStatus } from '../access/key-record.ts';
import { type AccessLevel, type Action, accessLevelFor } from '../access/permissions.ts';
import type { AuditLog } from '../kernel/audit-log.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { formatUtc } from '../kernel/period.ts';
import { INVALID_KEY_MESSAGE, type Refusal, refuse } from '../kernel/refusals.ts';
import { type KeyRules, type NewKeySpec, parseKeyRequest } from './key-request.ts';

/** Where keys are kept. */
export interface KeyRepository {
  read(keyId: string): Promise<KeyRecord | undefined>;
  /** A team's keys, those of no team for undefined. */
  list(team: string | undefined): Promise<readonly KeyRecord[]>;
  /** A key that nobody knows yet, and its id. */
  mint(): { readonly key: string; readonly keyId: string };
  /** Stores a key's record and hash; from then on it works. */
  put(key: string, record: KeyRecord): Promise<void>;
  /** Ends a key; one that has ended keeps its time. */
  revoke(keyId: string): Promise<void>;
  /** Marks a key as one that another takes the place of; false when it has been marked or revoked already. */
  replace(keyId: string, by: string, retireAfterEpochMs: number): Promise<boolean>;
}

/** What operations on keys need of the world. */
export type KeyPorts = {
  readonly repository: KeyRepository;
  readonly audit: AuditLog;
  /** Where a revoked key is refused at once: the ledger of its team. */
  readonly ledger: { revokeKey(team: string, keyId: string): Promise<void> };
  readonly rules: KeyRules;
  /** A random id that nobody can foresee. */
  readonly newId: () => string;
};

/** Who acts, and from where. */
export type Caller = {
  readonly identity: Identity;
  /** For the audit trail: a key's id, or an IAM principal. */
  readonly actor: string;
  readonly source: string;
  readonly requestId: string;
  /** Whether the identity is of a key, and no IAM principal's. */
  readonly isKey: boolean;
};

/** A key that has just been made: the key itself is told this once. */
export type CreatedKey = { readonly key: string; readonly record: KeyRecord };

/**
 * Who the caller is by what is stored now, if its key still stands: what is decided here bites at once, whatever API
 * Gateway remembers.
 */
export async function verifyCaller({ repository, rules }: KeyPorts, caller: Caller): Promise<Identity | Refusal> {
  if (!caller.isKey) return caller.identity;
  const record = await repository.read(caller.identity.keyId);
  const works = record !== undefined && ['active', 'replaced'].includes(keyStatus(record, rules.nowEpochMs));
  return works ? record : refuse('invalid_api_key', INVALID_KEY_MESSAGE);
}

/** Makes a key that its caller may make. */
export async function createKey(ports: KeyPorts, caller: Caller, bodyText: string): Promise<CreatedKey | Refusal> {
  const maker = await verifyCaller(ports, caller);
  if ('reason' in maker) return maker;
  if (accessLevelFor(maker, 'create_keys') === 'none')
    return refuse(
      'forbidden',
      `A key with the role "${maker.role}" may not make keys. Ask a lead or an administrator.`,
    );
  const wanted = parseKeyRequest(bodyText, maker, ports.rules);
  if ('reason' in wanted) return wanted;
  const { key, keyId } = ports.repository.mint();
  await auditKeyOperation(ports, caller, 'create_key', { ...wanted, keyId }, `none → ${summarizeKey(wanted)}`);
  const record = { ...wanted, keyId, createdAtEpochMs: ports.rules.nowEpochMs, createdBy: caller.actor };
  await ports.repository.put(key, record);
  return { key, record };
}

/** The keys that the caller may see, revoked ones included. */
export async function listKeys(
  ports: KeyPorts,
  caller: Caller,
  team: string | undefined,
): Promise<readonly KeyRecord[] | Refusal> {
  const own = await verifyCaller(ports, caller);
  if ('reason' in own) return own;
  const level = accessLevelFor(own, 'read_keys');
  if (team !== undefined && level !== 'all' && team !== own.team)
    return refuse('forbidden', 'This key sees keys of its own team only. Leave "team" out.', { param: 'team' });
  const { repository, rules } = ports;
  switch (level) {
    case 'none':
      return [];
    case 'own':
      return [await repository.read(own.keyId)].filter((record) => record !== undefined);
    case 'team':
      return await repository.list(own.team);
    case 'all': {
      const teams = team === undefined ? [undefined, ...rules.teams.keys()] : [team];
      const records = (await Promise.all(teams.map((one) => repository.list(one)))).flat();
      // A team that has gone may have left keys; one that has none and never was is mistyped.
      if (team !== undefined && records.length === 0 && !rules.teams.has(team))
        return unknownTeam(team, rules.teams.keys());
      return records;
    }
  }
}

function unknownTeam(team: string, teams: Iterable<string>): Refusal {
  const name = team.slice(0, 40);
  return refuse('invalid_request', `There is no team "${name}"${didYouMean(name, teams) || '.'}`, { param: 'team' });
}

/** One key, if the caller may do this with it; one that it may not see does not exist for it. */
export async function findKey(
  ports: KeyPorts,
  caller: Caller,
  keyId: string,
  action: Action,
): Promise<{ readonly found: KeyRecord; readonly own: Identity } | Refusal> {
  const own = await verifyCaller(ports, caller);
  if ('reason' in own) return own;
  const id = keyId === 'me' && caller.isKey ? own.keyId : keyId;
  const found = /^[a-z0-9]{12}$/.test(id) ? await ports.repository.read(id) : undefined;
  if (found === undefined || !isWithinAccess(accessLevelFor(own, 'read_keys'), own, found))
    return refuse(
      'key_not_found',
      `There is no key "${id.slice(0, 40)}" that this key may see. GET /openai/v1/api-keys lists them.`,
    );
  if (isWithinAccess(accessLevelFor(own, action), own, found)) return { found, own };
  return refuse('forbidden', `A key with the role "${own.role}" may not do that. Ask a lead or an administrator.`);
}

/** Ends a key: in the ledger from the next call on, at the edge within a minute. */
export async function revokeKey(
  ports: KeyPorts,
  caller: Caller,
  keyId: string,
  reason: string,
): Promise<KeyRecord | Refusal> {
  const asked = await findKey(ports, caller, keyId, 'revoke_keys');
  if ('reason' in asked) return asked;
  const { found } = asked;
  const before = keyStatus(found, ports.rules.nowEpochMs);
  const details = `${found.name}: ${before} → revoked${reason === '' ? '' : `; ${reason}`}`;
  await auditKeyOperation(ports, caller, 'revoke_key', found, details);
  await enforceRevocation(ports, found);
  return { ...found, revokedAtEpochMs: found.revokedAtEpochMs ?? ports.rules.nowEpochMs };
}

/** Ends a key where keys are checked, and where its calls are admitted. */
export async function enforceRevocation({ repository, ledger }: KeyPorts, { keyId, team }: Identity): Promise<void> {
  await repository.revoke(keyId);
  if (team !== undefined) await ledger.revokeKey(team, keyId);
}

function isWithinAccess(level: AccessLevel, { keyId, team }: Identity, key: KeyRecord): boolean {
  switch (level) {
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

function summarizeKey({ name, role, scope, expiresAtEpochMs }: NewKeySpec): string {
  const until = expiresAtEpochMs === undefined ? '' : ` until ${formatUtc(expiresAtEpochMs)}`;
  return `${name}, role ${role}${until}${scope === undefined ? '' : `, narrowed to ${JSON.stringify(scope)}`}`;
}

/** Puts an act on record before it is done: what cannot be recorded is not done. */
export async function auditKeyOperation(
  { audit, rules, newId }: KeyPorts,
  { actor, source, requestId }: Caller,
  action: string,
  { keyId, team }: Pick<Identity, 'keyId' | 'team'>,
  details: string,
): Promise<void> {
  await audit.append({
    atEpochMs: rules.nowEpochMs,
    id: newId(),
    requestId,
    actor,
    action,
    subject: `key ${keyId}`,
    details,
    source,
    ...(team === undefined ? {} : { team }),
  });
}
