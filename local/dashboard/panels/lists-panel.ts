import type { AuditEntry, Key } from '../api-types.ts';
import { clear, elementById, setText } from '../dom.ts';
import { columnDecimals, formatAge, formatCount, formatDay, formatMoment, money } from '../format.ts';
import { describeRefusal } from '../refusal-descriptions.ts';
import type { RefusalCount } from '../refusals.ts';
import { type Cell, drawTable } from './data-table.ts';

const MAX_DETAILS_LENGTH = 140;

/** Replaces a panel's content by the reason why it is missing. */
export function hidePanel(panel: string, why: string): void {
  clear(elementById(panel));
  for (const name of ['tabindex', 'role', 'aria-label']) elementById(panel).removeAttribute(name);
  setText(elementById(`${panel}-note`), why);
}

/** Shows refusals by reason. */
export function showRefusals(counts: readonly RefusalCount[] | undefined, isByTeam: boolean): void {
  if (counts === undefined) {
    hidePanel('refusals', 'This gateway does not count refusals yet.');
    return;
  }
  if (counts.length === 0) {
    hidePanel('refusals', 'None in the last seven days.');
    return;
  }
  setText(elementById('refusals-note'), 'Requests that were refused, by reason');
  const columns = [
    { heading: 'Reason' },
    { heading: 'Today', isFigure: true },
    { heading: 'Seven days', isFigure: true },
    ...(isByTeam ? [{ heading: 'Top team' }] : []),
  ];
  const rows = counts.map(({ code, today, week, mostAffectedTeam }): Cell[] => [
    { text: describeRefusal(code), id: code },
    formatCount(today),
    formatCount(week),
    ...(isByTeam ? [mostAffectedTeam ?? ''] : []),
  ]);
  drawTable(elementById('refusals'), { caption: 'Refusals by reason, the most frequent first', columns, rows });
}

/** Shows keys in use, and ended ones on request. */
export function showKeys(keys: readonly Key[], includesEnded: boolean, nowEpochMs: number): void {
  const working = keys.filter(({ status }) => status === 'active' || status === 'replaced');
  const ended = keys.length - working.length;
  const button = elementById('keys-ended');
  button.hidden = ended === 0;
  button.setAttribute('aria-pressed', String(includesEnded));
  setText(elementById('keys-note'), `${working.length} in use${ended > 0 ? `, ${ended} ended` : ''}`);
  const visible = (includesEnded ? [...keys] : working).sort(
    (a, b) => a.created_at.localeCompare(b.created_at) || a.name.localeCompare(b.name),
  );
  const decimals = columnDecimals(visible.map((key) => key.cost_this_month_usd ?? '0'));
  drawTable(elementById('keys'), {
    caption: 'Oldest first; requests and cost of this month',
    columns: [
      ...['Key', 'Team', 'Role', 'State'].map((heading) => ({ heading })),
      { heading: 'Age', isFigure: true },
      { heading: 'Last used', isFigure: true },
      { heading: 'Requests', isFigure: true },
      { heading: 'Cost', isFigure: true },
    ],
    rows: visible.map((key) => [
      { text: key.name, id: key.id },
      key.team ?? 'organisation',
      key.role,
      keyStateCell(key),
      formatAge(nowEpochMs - Date.parse(key.created_at)),
      key.last_used_on == null ? 'not known' : formatDay(key.last_used_on),
      key.requests_this_month === undefined ? '' : formatCount(key.requests_this_month),
      key.cost_this_month_usd === undefined ? '' : money(key.cost_this_month_usd, decimals),
    ]),
  });
}

function keyStateCell({ status, expires_at, retires_after }: Key): Cell {
  switch (status) {
    case 'replaced':
      return {
        text: 'being replaced',
        label: 'notice',
        ...(retires_after === null ? {} : { below: `ends after ${formatMoment(retires_after)} UTC` }),
      };
    case 'active':
      return { text: 'active', ...(expires_at === null ? {} : { below: `until ${formatMoment(expires_at)} UTC` }) };
    default:
      return { text: status, label: 'ended' };
  }
}

/** Shows the latest entries of the audit log. */
export function showAudit(entries: readonly AuditEntry[], keys: readonly Key[]): void {
  const names = new Map(keys.map(({ id, name }) => [id, name]));
  const displayName = (id: string) => names.get(id) ?? id;
  if (entries.length === 0) {
    hidePanel('audit', 'None this month.');
    return;
  }
  setText(elementById('audit-note'), 'GET /openai/v1/audit returns all entries');
  drawTable(elementById('audit'), {
    caption: 'Newest first, in UTC',
    columns: ['Time', 'Action', 'Subject', 'By', 'Details'].map((heading) => ({ heading })),
    rows: entries.map(({ at, action, subject, actor, details }) => [
      formatMoment(at),
      action.replaceAll('_', ' '),
      subject.replace(/(?<=^key ).*/, displayName),
      displayName(actor),
      summarizeDetails(details),
    ]),
  });
}

/** Shortens details, which for a deployment are a whole table. */
function summarizeDetails(details: string): string {
  const line = (details.split(/\n| \| /)[0] ?? '').replaceAll('**', '');
  return line.length > MAX_DETAILS_LENGTH ? `${line.slice(0, MAX_DETAILS_LENGTH)}…` : line;
}
