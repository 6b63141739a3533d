import { byId, clear, setText } from '../dom.ts';
import { age, columnDecimals, count, dayText, moment, money } from '../format.ts';
import { refusalWords } from '../refusal-words.ts';
import type { RefusalCount } from '../refusals.ts';
import type { AuditEntry, Key } from '../shapes.ts';
import { type Cell, drawTable } from './data-table.ts';

const MOST_DETAILS = 140;

/** Leaves a panel's content out, and says why. */
export function leaveOut(panel: string, why: string): void {
  clear(byId(panel));
  for (const name of ['tabindex', 'role', 'aria-label']) byId(panel).removeAttribute(name);
  setText(byId(`${panel}-note`), why);
}

/** Shows refusals by reason. */
export function showRefusals(counts: readonly RefusalCount[] | undefined, isOfTeams: boolean): void {
  if (counts === undefined) {
    leaveOut('refusals', 'This gateway does not count refusals yet.');
    return;
  }
  if (counts.length === 0) {
    leaveOut('refusals', 'None in the last seven days.');
    return;
  }
  setText(byId('refusals-note'), 'Calls that were told no, and why');
  const columns = [
    { title: 'Reason' },
    { title: 'Today', isNumber: true },
    { title: 'Seven days', isNumber: true },
    ...(isOfTeams ? [{ title: 'Most by' }] : []),
  ];
  const rows = counts.map(({ code, today, week, mostBy }): Cell[] => [
    { text: refusalWords(code), id: code },
    count(today),
    count(week),
    ...(isOfTeams ? [mostBy ?? ''] : []),
  ]);
  drawTable(byId('refusals'), { caption: 'Refusals by reason, the most frequent first', columns, rows });
}

/** Shows keys and their ages: those that work, and the others when they are asked for. */
export function showKeys(keys: readonly Key[], isWithEnded: boolean, nowEpochMs: number): void {
  const working = keys.filter(({ status }) => status === 'active' || status === 'replaced');
  const ended = keys.length - working.length;
  const button = byId('keys-ended');
  button.hidden = ended === 0;
  button.setAttribute('aria-pressed', String(isWithEnded));
  setText(byId('keys-note'), `${working.length} in use${ended > 0 ? `, ${ended} ended` : ''}`);
  const shown = (isWithEnded ? [...keys] : working).sort(
    (a, b) => a.created_at.localeCompare(b.created_at) || a.name.localeCompare(b.name),
  );
  const decimals = columnDecimals(shown.map((key) => key.cost_this_month_usd ?? '0'));
  drawTable(byId('keys'), {
    caption: 'Oldest first; requests and cost are this month’s',
    columns: [
      ...['Key', 'Team', 'Role', 'State'].map((title) => ({ title })),
      { title: 'Age', isNumber: true },
      { title: 'Last used', isNumber: true },
      { title: 'Requests', isNumber: true },
      { title: 'Cost', isNumber: true },
    ],
    rows: shown.map((key) => [
      { text: key.name, id: key.id },
      key.team ?? 'organisation',
      key.role,
      stateOf(key),
      age(nowEpochMs - Date.parse(key.created_at)),
      key.last_used_on == null ? 'not known' : dayText(key.last_used_on),
      key.requests_this_month === undefined ? '' : count(key.requests_this_month),
      key.cost_this_month_usd === undefined ? '' : money(key.cost_this_month_usd, decimals),
    ]),
  });
}

function stateOf({ status, expires_at, retires_after }: Key): Cell {
  switch (status) {
    case 'replaced':
      return {
        text: 'being replaced',
        label: 'notice',
        ...(retires_after === null ? {} : { below: `ends after ${moment(retires_after)} UTC` }),
      };
    case 'active':
      return { text: 'active', ...(expires_at === null ? {} : { below: `until ${moment(expires_at)} UTC` }) };
    default:
      return { text: status, label: 'ended' };
  }
}

/** Shows the latest of what people and services did. */
export function showAudit(entries: readonly AuditEntry[], keys: readonly Key[]): void {
  const names = new Map(keys.map(({ id, name }) => [id, name]));
  const named = (id: string) => names.get(id) ?? id;
  if (entries.length === 0) {
    leaveOut('audit', 'None this month.');
    return;
  }
  setText(byId('audit-note'), 'Who did what; GET /openai/v1/audit tells all of it');
  drawTable(byId('audit'), {
    caption: 'Newest first, in UTC',
    columns: ['When', 'Act', 'Of what', 'By', 'Details'].map((title) => ({ title })),
    rows: entries.map(({ at, action, subject, actor, details }) => [
      moment(at),
      action.replaceAll('_', ' '),
      subject.replace(/(?<=^key ).*/, named),
      named(actor),
      firstWords(details),
    ]),
  });
}

/** A long text's beginning: details of a deployment are a whole table. */
function firstWords(details: string): string {
  const line = (details.split(/\n| \| /)[0] ?? '').replaceAll('**', '');
  return line.length > MOST_DETAILS ? `${line.slice(0, MOST_DETAILS)}…` : line;
}
