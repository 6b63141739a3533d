import type { Identity } from '../access/identity.ts';
import { type KeyRecord, keyStatus } from '../access/key-record.ts';
import { type AccessLevel, type Action, accessLevelFor } from '../access/permissions.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { INVALID_KEY_MESSAGE, type Refusal, refuse } from '../kernel/refusals.ts';
import type { Caller, KeyPorts } from './key-ports.ts';

/**
 * Returns the caller's identity as stored now. A key that was just revoked or has expired is refused at once, although
 * API Gateway still has its authorization in its cache.
 */
export async function verifyCaller({ repository, rules }: KeyPorts, caller: Caller): Promise<Identity | Refusal> {
  if (!caller.isKey) return caller.identity;
  const record = await repository.read(caller.identity.keyId);
  const isValid = record !== undefined && ['active', 'replaced'].includes(keyStatus(record, rules.nowEpochMs));
  return isValid ? record : refuse('invalid_api_key', INVALID_KEY_MESSAGE);
}

/** Lists the keys that the caller may see, including revoked ones. */
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
      const records = (await Promise.all(teams.map((name) => repository.list(name)))).flat();
      // A deleted team may still have keys; an unknown team without any is a typo.
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

/** Finds a key that the caller may apply an action to. A key that the caller may not see counts as not found. */
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
