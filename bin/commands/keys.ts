import { isRole } from '../../lambda/access/identity.ts';
import { ENDPOINTS } from '../../lambda/contract.ts';
import { renderTextTable } from '../../lambda/kernel/text-table.ts';
import { openAdminClient } from '../admin-client.ts';
import { CommandError } from '../deployment.ts';
import { type AdminContent, formatValue, type KeyOptions, parseKeyId, printNewKey, readItems } from '../new-key.ts';
import { parseUntil } from '../until.ts';

/** What `keys create` is told, besides. */
export type CreateKeyOptions = KeyOptions & {
  /** Absent for a key of the whole organisation. */
  readonly team: string | undefined;
  readonly role: string;
  /** What the key is for: the last part of its name, `<team>-<environment>-<purpose>`. */
  readonly purpose: string;
  readonly models: string | undefined;
  readonly endpoints: string | undefined;
  readonly rpm: string | undefined;
  readonly tpm: string | undefined;
  readonly usd: string | undefined;
  readonly expires: string | undefined;
};

const KEYS = '/openai/v1/api-keys';
const PURPOSE = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** `keys create`: makes a key and shows it once, since only its hash is kept. */
export async function createKey(options: CreateKeyOptions): Promise<void> {
  const { team, role, purpose } = options;
  if (!isRole(role)) throw new CommandError(`--role is "${role}"; it must be one of admin, lead, member, viewer`);
  if (!PURPOSE.test(purpose))
    throw new CommandError('--purpose must be 1 to 32 lower-case letters, digits and hyphens');
  if (team === undefined && (role === 'member' || role === 'lead'))
    throw new CommandError(`a ${role} key belongs to a team: name it by --team`);
  if (team !== undefined && role === 'admin')
    throw new CommandError('an admin key belongs to the whole organisation: leave out --team, or make a lead key');
  const limits = {
    allowed_models: parseList(options.models),
    endpoints: parseList(options.endpoints),
    requests_per_minute: parseNumberOption('--rpm', options.rpm),
    tokens_per_minute: parseNumberOption('--tpm', options.tpm),
    monthly_budget_usd: parseNumberOption('--usd', options.usd),
    expires_at:
      options.expires === undefined ? undefined : parseUntil(options.expires, Date.now(), '--expires') / 1_000,
  };
  const foreign = limits.endpoints?.find((one) => !(ENDPOINTS as readonly string[]).includes(one));
  if (foreign !== undefined)
    throw new CommandError(`--endpoints has "${foreign}"; the endpoints are ${ENDPOINTS.join(', ')}`);
  const client = await openAdminClient(options);
  const name = `${team ?? 'organization'}-${client.environmentName}-${purpose}`;
  await printNewKey(options, () => client.send({ method: 'POST', path: KEYS, body: { name, team, role, ...limits } }));
}

/** `keys list`: keys and what they were used for; those that have ended only if asked for. */
export async function listKeys(options: KeyOptions & { team: string | undefined; all: boolean }): Promise<void> {
  const client = await openAdminClient(options);
  const content = await client.send({ method: 'GET', path: KEYS, query: { team: options.team } });
  if (options.json) return console.log(JSON.stringify(content));
  const keys = readItems(content).filter(({ status }) => options.all || status === 'active' || status === 'replaced');
  const header = ['id', 'name', 'role', 'status', 'narrowed to', 'ends', 'last used', 'requests', '$ this month'];
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

/** `keys rotate`: makes a key that takes another's place, and lets both work for a while. */
export async function rotateKey(
  options: KeyOptions & { overlap: string | undefined },
  keyOrId: string,
  reason: string | undefined,
): Promise<void> {
  const path = `${KEYS}/${parseKeyId(keyOrId)}/rotate`;
  const body = { overlap_hours: parseNumberOption('--overlap', options.overlap), reason };
  const client = await openAdminClient(options);
  await printNewKey(options, () => client.send({ method: 'POST', path, body }));
}

/** `keys revoke`: ends a key, named by its id or by itself. */
export async function revokeKey(options: KeyOptions, keyOrId: string, reason: string): Promise<void> {
  const path = `${KEYS}/${parseKeyId(keyOrId)}`;
  const client = await openAdminClient(options);
  const revoked = await client.send({ method: 'DELETE', path, query: { reason } });
  if (options.json) return console.log(JSON.stringify(revoked));
  const next = revoked.rotated_to == null ? '' : ` Its successor ${formatValue(revoked.rotated_to)} goes on.`;
  console.error(`${formatValue(revoked.id)} is revoked: calls are refused at once, all else within 60 s.${next}`);
}

/** `keys whoami`: as whom commands act. */
export async function whoami(options: KeyOptions): Promise<void> {
  const client = await openAdminClient(options);
  const me = client.isKey
    ? await client.send({ method: 'GET', path: `${KEYS}/me` })
    : { environment: client.environmentName, actor: client.actor, role: 'admin', team: null };
  if (options.json) return console.log(JSON.stringify(me));
  console.log(
    Object.entries(me)
      .filter(([field, value]) => value !== null && field !== 'object')
      .map(([field, value]) => `${field}: ${formatValue(value)}`)
      .join('\n'),
  );
}

function parseList(text: string | undefined): readonly string[] | undefined {
  return text?.split(',').map((one) => one.trim());
}

function parseNumberOption(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number))
    throw new CommandError(`${option} is "${text}"; it must be a number`);
  return number;
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
