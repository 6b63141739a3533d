import type { Role } from '../../lambda/access/identity.ts';
import type { Endpoint } from '../../lambda/contract.ts';
import { renderTextTable } from '../../lambda/kernel/text-table.ts';
import { openAdminClient } from '../admin-client.ts';
import { CommandError } from '../command-error.ts';
import {
  type AdminContent,
  formatValue,
  type KeyOptions,
  type NewKeyOptions,
  parseKeyId,
  printNewKey,
  readItems,
} from '../new-key.ts';

/** Options of `keys create`. */
export type CreateKeyOptions = NewKeyOptions & {
  /** Absent for a key of the whole organisation. */
  readonly team: string | undefined;
  readonly role: Role;
  /** The last part of the key's name, `<team>-<environment>-<purpose>`. */
  readonly purpose: string;
  readonly models: readonly string[] | undefined;
  readonly endpoints: readonly Endpoint[] | undefined;
  readonly rpm: number | undefined;
  readonly tpm: number | undefined;
  readonly usd: number | undefined;
  /** Epoch milliseconds. */
  readonly expires: number | undefined;
};

/** Options of `keys list`. */
export type ListKeysOptions = KeyOptions & { readonly team: string | undefined; readonly all: boolean };

/** Options of `keys rotate`; the overlap is in hours. */
export type RotateKeyOptions = NewKeyOptions & {
  readonly overlap: number | undefined;
  readonly reason: string | undefined;
};

/** Options of `keys revoke`. */
export type RevokeKeyOptions = KeyOptions & { readonly reason: string };

const KEYS = '/openai/v1/api-keys';

/** `keys create`: creates a key and shows it once, because only its hash is stored. */
export async function createKey(options: CreateKeyOptions): Promise<void> {
  const { team, role, purpose, expires } = options;
  if (team === undefined && (role === 'member' || role === 'lead'))
    throw new CommandError(`a ${role} key belongs to a team; add --team <team>`);
  if (team !== undefined && role === 'admin')
    throw new CommandError('an admin key belongs to the whole organisation; omit --team, or use --role lead');
  const limits = {
    allowed_models: options.models,
    endpoints: options.endpoints,
    requests_per_minute: options.rpm,
    tokens_per_minute: options.tpm,
    monthly_budget_usd: options.usd,
    expires_at: expires === undefined ? undefined : expires / 1_000,
  };
  const client = await openAdminClient(options);
  const name = `${team ?? 'organization'}-${client.environmentName}-${purpose}`;
  await printNewKey(options, () => client.send({ method: 'POST', path: KEYS, body: { name, team, role, ...limits } }));
}

/** `keys list`: prints keys, their limits and their use; revoked and expired ones with `--all`. */
export async function listKeys(options: ListKeysOptions): Promise<void> {
  const client = await openAdminClient(options);
  const content = await client.send({ method: 'GET', path: KEYS, query: { team: options.team } });
  if (options.json) return console.log(JSON.stringify(content));
  const keys = readItems(content).filter(({ status }) => options.all || status === 'active' || status === 'replaced');
  const header = ['id', 'name', 'role', 'status', 'limits', 'expires', 'last used', 'requests', '$ this month'];
  const rows = keys.map((key) => [
    formatValue(key.id),
    formatValue(key.name),
    formatValue(key.role),
    key.rotated_to == null ? formatValue(key.status) : `${formatValue(key.status)} by ${formatValue(key.rotated_to)}`,
    formatLimits(key),
    formatValue(key.expires_at),
    formatValue(key.last_used_on),
    formatValue(key.requests_this_month),
    formatValue(key.cost_this_month_usd),
  ]);
  console.log(renderTextTable(header, rows, [7, 8]));
}

/** `keys rotate`: creates a key's successor; both work during the overlap. */
export async function rotateKey(options: RotateKeyOptions, keyOrId: string): Promise<void> {
  const path = `${KEYS}/${parseKeyId(keyOrId)}/rotate`;
  const body = { overlap_hours: options.overlap, reason: options.reason };
  const client = await openAdminClient(options);
  await printNewKey(options, () => client.send({ method: 'POST', path, body }));
}

/** `keys revoke`: revokes a key. */
export async function revokeKey(options: RevokeKeyOptions, keyOrId: string): Promise<void> {
  const path = `${KEYS}/${parseKeyId(keyOrId)}`;
  const client = await openAdminClient(options);
  const revoked = await client.send({ method: 'DELETE', path, query: { reason: options.reason } });
  if (options.json) return console.log(JSON.stringify(revoked));
  const successor = revoked.rotated_to == null ? '' : ` Its successor ${formatValue(revoked.rotated_to)} still works.`;
  console.error(
    `Revoked ${formatValue(revoked.id)}. Model calls are refused from now on, all other requests within 60 s.${successor}`,
  );
}

/** `keys whoami`: prints the identity that commands act as. */
export async function whoami(options: KeyOptions): Promise<void> {
  const client = await openAdminClient(options);
  const identity = client.isKey
    ? await client.send({ method: 'GET', path: `${KEYS}/me` })
    : { environment: client.environmentName, actor: client.actor, role: 'admin', team: null };
  if (options.json) return console.log(JSON.stringify(identity));
  console.log(
    Object.entries(identity)
      .filter(([field, value]) => value !== null && field !== 'object')
      .map(([field, value]) => `${field}: ${formatValue(value)}`)
      .join('\n'),
  );
}

function formatLimits(key: AdminContent): string {
  const {
    allowed_models: models,
    endpoints,
    requests_per_minute: rpm,
    tokens_per_minute: tpm,
    monthly_budget_usd: usd,
  } = key;
  const parts = [models, endpoints, rpm && `${rpm} rpm`, tpm && `${tpm} tpm`, usd != null && `$${usd}`];
  return parts
    .filter((part) => part != null && part !== false)
    .map(formatValue)
    .join('; ');
}
