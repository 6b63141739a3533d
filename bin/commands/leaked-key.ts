import { type AdminClient, openAdminClient } from '../admin-client.ts';
import { type AdminContent, formatValue, type NewKeyOptions, parseKeyId, printNewKey, readItems } from '../new-key.ts';

/** Options of `keys leaked`; `withMade` also revokes the keys that the leaked key created. */
export type LeakedKeyOptions = NewKeyOptions & { readonly reason: string; readonly withMade: boolean };

const KEYS = '/openai/v1/api-keys';

/**
 * `keys leaked`: revokes a key at once, creates a replacement with the same rights, and prints a notice for the team. Lists the
 * keys that the leaked key created, or revokes them on request, because whoever found it may have created them.
 */
export async function replaceLeakedKey(options: LeakedKeyOptions, keyOrId: string): Promise<void> {
  const id = parseKeyId(keyOrId);
  const client = await openAdminClient(options);
  const leaked = await client.send({ method: 'GET', path: `${KEYS}/${id}` });
  const reason = `leaked: ${options.reason}`;
  const created = await findKeysCreatedBy(client, id);
  if (options.withMade)
    for (const key of created)
      await client.send({ method: 'DELETE', path: `${KEYS}/${key.id}`, query: { reason: `made by ${id}, ${reason}` } });
  if (leaked.status === 'active') {
    const body = { overlap_hours: 0, reason };
    const rotate = () => client.send({ method: 'POST', path: `${KEYS}/${id}/rotate`, body });
    await printNewKey(options, rotate, renderTeamNotice);
  } else {
    const revoked = await client.send({ method: 'DELETE', path: `${KEYS}/${id}`, query: { reason } });
    if (options.json) console.log(JSON.stringify(revoked));
    else console.error(renderRevocation(id, leaked));
  }
  if (created.length === 0) return;
  const ids = created.map((key) => `${formatValue(key.id)} (${formatValue(key.name)})`).join(', ');
  console.error(
    options.withMade
      ? `Also revoked the keys that it created: ${ids}`
      : `It created these keys, which still work: ${ids}. Check that you know them, or revoke them with --with-made.`,
  );
}

/** Working keys that a key created, directly or through other keys. */
async function findKeysCreatedBy(client: AdminClient, id: string): Promise<readonly AdminContent[]> {
  const all = readItems(await client.send({ method: 'GET', path: KEYS }));
  const creators = new Set([id]);
  const found = new Set<AdminContent>();
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const key of all) {
      if (!creators.has(formatValue(key.created_by)) || key.id === id) continue;
      found.add(key);
      creators.add(formatValue(key.id));
    }
  }
  return [...found].filter(({ status }) => status === 'active' || status === 'replaced');
}

function renderRevocation(id: string, { status, rotated_to }: AdminContent): string {
  const successor = rotated_to == null ? 'no key replaces it' : `${formatValue(rotated_to)} already replaces it`;
  return `Revoked ${id}, which was ${formatValue(status)}; ${successor}.`;
}

function renderTeamNotice(content: AdminContent, destination: string): string {
  const leaked = content.replaces as AdminContent;
  return `To team ${formatValue(leaked.team ?? 'organization')}: the key ${formatValue(leaked.name)} (${formatValue(leaked.id)}) leaked and is revoked. Use ${formatValue(content.name)} (${formatValue(content.id)}) instead, from ${destination}. Calls with the old key get 401.`;
}
