import { randomUUID } from 'node:crypto';
import { DynamoAudit } from '../../lambda/adapters/dynamo-audit.ts';
import { Registry } from '../../lambda/adapters/registry.ts';
import { mintKey, TeamKeys } from '../../lambda/adapters/team-keys.ts';
import { isRole } from '../../lambda/core/identity.ts';
import { didYouMean } from '../../lambda/core/nearest-word.ts';
import { CommandError } from '../deployment.ts';
import { openStores, type Stores, type Where } from '../stores.ts';

/** What `keys create` is told. */
export type CreateKeyOptions = Where & {
  /** Absent for a key of the whole organisation. */
  readonly team: string | undefined;
  readonly role: string;
  /** What the key is for: the last part of its name, `<team>-<environment>-<purpose>`. */
  readonly purpose: string;
};

const PURPOSE = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** Makes a key for a team, or an admin key of the organisation, and prints it: once, since only its hash is kept. */
export async function createKey({ team, role, purpose, ...where }: CreateKeyOptions): Promise<void> {
  if (!isRole(role)) throw new CommandError(`--role is "${role}"; it must be one of admin, lead, member, viewer`);
  if (!PURPOSE.test(purpose))
    throw new CommandError('--purpose must be 1 to 32 lower-case letters, digits and hyphens');
  if (team === undefined && (role === 'member' || role === 'lead'))
    throw new CommandError(`a ${role} key belongs to a team: name it by --team`);
  if (team !== undefined && role === 'admin')
    throw new CommandError('an admin key belongs to the whole organisation: leave out --team, or make a lead key');
  const stores = await openStores(where);
  const env = stores.environmentName;
  if (team !== undefined) await requireTeam(stores, team);
  const { key, keyId } = mintKey(env);
  const name = `${team ?? 'organization'}-${env}-${purpose}`;
  const record = { keyId, role, name, createdAtEpochMs: Date.now(), ...(team === undefined ? {} : { team }) };
  await audit(stores, 'create_key', keyId, `${name}, role ${role}`);
  await new TeamKeys(stores.dynamo, stores.registryTable, Date.now).put(key, record);
  console.error(`${name} (${keyId}), role ${role}. It is shown this once:`);
  console.log(key);
}

/** Revokes a key by its id, or by itself: the id is its third part. */
export async function revokeKey(where: Where, keyOrId: string, reason: string): Promise<void> {
  const keyId = /^grk_[a-z0-9-]+_([a-z0-9]{12})(_|$)/.exec(keyOrId)?.[1] ?? keyOrId;
  if (!/^[a-z0-9]{12}$/.test(keyId))
    throw new CommandError('that is no key and no key id (12 lower-case letters and digits)');
  const stores = await openStores(where);
  const keys = new TeamKeys(stores.dynamo, stores.registryTable, Date.now);
  if (!(await keys.has(keyId))) throw new CommandError(`${stores.environmentName} has no key ${keyId}`);
  await audit(stores, 'revoke_key', keyId, reason);
  await keys.revoke(keyId);
  console.error(`${keyId} is revoked. API Gateway may take it for up to 60 s more.`);
}

async function requireTeam({ dynamo, registryTable, environmentName }: Stores, team: string): Promise<void> {
  const published = await new Registry(dynamo, registryTable, Date.now).inForce();
  const teams = published?.environment.teams;
  if (teams?.has(team)) return;
  throw new CommandError(`${environmentName} has no team "${team}"${didYouMean(team, teams?.keys() ?? [])}`);
}

async function audit(stores: Stores, action: string, keyId: string, details: string): Promise<void> {
  const actor = await stores.readActor();
  const entry = { atEpochMs: Date.now(), id: randomUUID(), actor, action, subject: `key ${keyId}`, details };
  // Before the act: what cannot be recorded is not done.
  await new DynamoAudit(stores.dynamo, stores.registryTable).append(entry);
}
