import { type AdminClient, openAdminClient } from '../admin-client.ts';
import { type AdminContent, formatValue, type KeyOptions, parseKeyId, printNewKey, readItems } from '../new-key.ts';

const KEYS = '/openai/v1/api-keys';

/**
 * `keys leaked`: ends a key at once, makes another with its rights, and says what to tell the team. What the key had made
 * itself is told, or ended too if that is asked for: whoever found it may have made those.
 */
export async function replaceLeakedKey(
  options: KeyOptions & { withMade: boolean },
  keyOrId: string,
  why: string,
): Promise<void> {
  const id = parseKeyId(keyOrId);
  const client = await openAdminClient(options);
  const old = await client.send({ method: 'GET', path: `${KEYS}/${id}` });
  const reason = `leaked: ${why}`;
  const made = await findKeysMadeBy(client, id);
  if (options.withMade)
    for (const key of made)
      await client.send({ method: 'DELETE', path: `${KEYS}/${key.id}`, query: { reason: `made by ${id}, ${reason}` } });
  const end = { method: 'DELETE', path: `${KEYS}/${id}`, query: { reason } } as const;
  const rotate = { method: 'POST', path: `${KEYS}/${id}/rotate`, body: { overlap_hours: 0, reason } } as const;
  if (old.status === 'active') await printNewKey(options, () => client.send(rotate), renderTeamNotice);
  else {
    const revoked = await client.send(end);
    if (options.json) console.log(JSON.stringify(revoked));
    else {
      const next =
        old.rotated_to == null ? 'no key takes its place' : `${formatValue(old.rotated_to)} had taken its place before`;
      console.error(`${id} was ${formatValue(old.status)}, and is revoked; ${next}.`);
    }
  }
  if (made.length === 0) return;
  const ids = made.map((key) => `${formatValue(key.id)} (${formatValue(key.name)})`).join(', ');
  console.error(
    options.withMade
      ? `Revoked too, since it had made them: ${ids}`
      : `It had made these keys, which go on: ${ids}. Look whether you know them; --with-made revokes them too.`,
  );
}

/** Keys that go on and were made by a key, or by one of those. */
async function findKeysMadeBy(client: AdminClient, id: string): Promise<readonly AdminContent[]> {
  const all = readItems(await client.send({ method: 'GET', path: KEYS }));
  const makers = new Set([id]);
  const found = new Set<AdminContent>();
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const key of all)
      if (makers.has(formatValue(key.created_by)) && key.id !== id) found.add(key) && makers.add(formatValue(key.id));
  }
  return [...found].filter(({ status }) => status === 'active' || status === 'replaced');
}

function renderTeamNotice(content: AdminContent, place: string): string {
  const old = content.replaces as AdminContent;
  return `To team ${formatValue(old.team ?? 'organization')}: the key ${formatValue(old.name)} (${formatValue(old.id)}) had leaked and works no more; use ${formatValue(content.name)} (${formatValue(content.id)}) instead, from ${place}. Calls by the old one get 401.`;
}
