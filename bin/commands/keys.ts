import { randomUUID } from 'node:crypto';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { DynamoAudit } from '../../lambda/adapters/dynamo-audit.ts';
import { Registry } from '../../lambda/adapters/registry.ts';
import { mintKey, TeamKeys } from '../../lambda/adapters/team-keys.ts';
import { isRole } from '../../lambda/core/identity.ts';
import { didYouMean } from '../../lambda/core/nearest-word.ts';
import { CommandError, type Deployment, findDeployment } from '../deployment.ts';

/** What `keys create` is told. */
export type CreateKeyOptions = {
  readonly env: string;
  /** Absent for a key of the whole organisation. */
  readonly team: string | undefined;
  readonly role: string;
  /** What the key is for: the last part of its name, `<team>-<environment>-<purpose>`. */
  readonly purpose: string;
};

const PURPOSE = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** Makes a key for a team, or an admin key of the organisation, and prints it: once, since only its hash is kept. */
export async function createKey({ env, team, role, purpose }: CreateKeyOptions): Promise<void> {
  if (!isRole(role)) throw new CommandError(`--role is "${role}"; it must be one of admin, lead, member, viewer`);
  if (!PURPOSE.test(purpose))
    throw new CommandError('--purpose must be 1 to 32 lower-case letters, digits and hyphens');
  if (team === undefined && (role === 'member' || role === 'lead'))
    throw new CommandError(`a ${role} key belongs to a team: name it by --team`);
  if (team !== undefined && role === 'admin')
    throw new CommandError('an admin key belongs to the whole organisation: leave out --team, or make a lead key');
  const deployment = await findDeployment(env);
  if (team !== undefined) await requireTeam(deployment, team);
  const { key, keyId } = mintKey(env);
  const name = `${team ?? 'organization'}-${env}-${purpose}`;
  const record = { keyId, role, name, createdAtEpochMs: Date.now(), ...(team === undefined ? {} : { team }) };
  await audit(deployment, 'create_key', keyId, `${name}, role ${role}`);
  await new TeamKeys(deployment.dynamo, deployment.registryTable, Date.now).put(key, record);
  console.error(`${name} (${keyId}), role ${role}. It is shown this once:`);
  console.log(key);
}

/** Revokes a key by its id, or by itself: the id is its third part. */
export async function revokeKey(env: string, keyOrId: string, reason: string): Promise<void> {
  const keyId = /^grk_[a-z0-9-]+_([a-z0-9]{12})(_|$)/.exec(keyOrId)?.[1] ?? keyOrId;
  if (!/^[a-z0-9]{12}$/.test(keyId))
    throw new CommandError('that is no key and no key id (12 lower-case letters and digits)');
  const deployment = await findDeployment(env);
  const keys = new TeamKeys(deployment.dynamo, deployment.registryTable, Date.now);
  if (!(await keys.has(keyId))) throw new CommandError(`${env} has no key ${keyId}`);
  await audit(deployment, 'revoke_key', keyId, reason);
  await keys.revoke(keyId);
  console.error(`${keyId} is revoked. API Gateway may take it for up to 60 s more.`);
}

async function requireTeam({ dynamo, registryTable, environmentName }: Deployment, team: string): Promise<void> {
  const published = await new Registry(dynamo, registryTable, Date.now).inForce();
  const teams = published?.environment.teams;
  if (teams?.has(team)) return;
  throw new CommandError(`${environmentName} has no team "${team}"${didYouMean(team, teams?.keys() ?? [])}`);
}

async function audit(deployment: Deployment, action: string, keyId: string, details: string): Promise<void> {
  const { Arn = 'unknown' } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
  const entry = { atEpochMs: Date.now(), id: randomUUID(), actor: Arn, action, subject: `key ${keyId}`, details };
  // Before the act: what cannot be recorded is not done.
  await new DynamoAudit(deployment.dynamo, deployment.registryTable).append(entry);
}
