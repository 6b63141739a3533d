import { renderTextTable } from '../../lambda/kernel/text-table.ts';
import { type AdminOptions, openAdminClient } from '../admin-client.ts';

/** Options of `audit list`. */
export type AuditOptions = AdminOptions & {
  readonly month: string | undefined;
  readonly limit: string | undefined;
  readonly json: boolean;
};

/** `audit list`: prints a month's administrative actions, newest first. */
export async function listAudit(options: AuditOptions): Promise<void> {
  const client = await openAdminClient(options);
  const query = { month: options.month, limit: options.limit };
  const content = await client.send({ method: 'GET', path: '/openai/v1/audit', query });
  if (options.json) return console.log(JSON.stringify(content));
  const entries = (content.data ?? []) as readonly Readonly<Record<string, string | null>>[];
  const rows = entries.map(({ at, actor, action, subject, source, details }) => [
    at ?? '',
    actor ?? '',
    source ?? '',
    action ?? '',
    subject ?? '',
    // The details of a deployment are long; `changes` prints them in full.
    (details ?? '').split('\n')[0] ?? '',
  ]);
  console.log(renderTextTable(['at', 'actor', 'source', 'action', 'subject', 'details'], rows));
}
