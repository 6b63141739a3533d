import { renderTextTable } from '../../lambda/kernel/text-table.ts';
import { type AdminOptions, openAdminClient } from '../admin-client.ts';

/** What `audit list` is told. */
export type AuditOptions = AdminOptions & {
  readonly month: string | undefined;
  readonly limit: string | undefined;
  readonly json: boolean;
};

/** `audit list`: a month's newest administrative acts. */
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
    // A deployment's are long; `changes` prints them whole.
    (details ?? '').split('\n')[0] ?? '',
  ]);
  console.log(renderTextTable(['at', 'who', 'from', 'what', 'to', 'details'], rows));
}
