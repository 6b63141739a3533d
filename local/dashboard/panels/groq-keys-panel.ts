import type { GroqKeyState } from '../../../lambda/groq-keys/groq-key-record.ts';
import type { GroqKey } from '../api-types.ts';
import { elementById, setText } from '../dom.ts';
import { formatAge, formatCount } from '../format.ts';
import { type Cell, drawTable } from './data-table.ts';
import { hidePanel } from './lists-panel.ts';

/** Labels of the states of a Groq key. */
const GROQ_KEY_STATES: Readonly<Record<GroqKeyState, Cell>> = {
  current: { text: 'current', label: 'good' },
  replaced: { text: 'previous', label: 'notice', below: 'still works' },
  returned: { text: 'returned', label: 'notice', below: 'Groq refused it; the previous key is current again' },
  pending: { text: 'being tested', label: 'notice' },
  staged: { text: 'staged', label: 'none', below: 'used at the next rotation' },
  refused: { text: 'refused', label: 'ended', below: 'Groq rejected it' },
  unstaged: { text: 'unstaged', label: 'ended' },
  revoked: { text: 'revoked', label: 'ended' },
  retired: { text: 'retired', label: 'ended', below: 'to be deleted at Groq' },
  deleted: { text: 'deleted', label: 'ended' },
};

/** Checks for a known state, because a newer gateway may return others. */
function isKnown(state: string): state is GroqKeyState {
  return Object.hasOwn(GROQ_KEY_STATES, state);
}

/** Shows each team's Groq keys and their rotation. */
export function showGroqKeys(keys: readonly GroqKey[], nowEpochMs: number): void {
  if (keys.length === 0) {
    hidePanel('groq-keys', 'No key has been staged or rotated yet.');
    return;
  }
  const order = Object.keys(GROQ_KEY_STATES);
  const since = (at: string | null) => (at === null ? '' : formatAge(nowEpochMs - Date.parse(at)));
  const rows = [...keys]
    .sort((a, b) => a.team.localeCompare(b.team) || order.indexOf(a.state) - order.indexOf(b.state))
    .map((key): Cell[] => [
      key.team,
      { text: key.name ?? key.key_id, id: key.key_id },
      isKnown(key.state) ? GROQ_KEY_STATES[key.state] : key.state,
      since(key.created_at),
      key.state === 'staged' ? `staged ${since(key.staged_at)}` : since(key.current_from),
      key.requests_24h === null ? '' : formatCount(key.requests_24h),
    ]);
  const teamsWithoutStagedKey = [...new Set(keys.map(({ team }) => team))].filter(
    (team) => !keys.some((key) => key.team === team && key.state === 'staged'),
  );
  setText(
    elementById('groq-keys-note'),
    teamsWithoutStagedKey.length === 0 ? '' : `No key is staged for ${teamsWithoutStagedKey.join(', ')}`,
  );
  drawTable(elementById('groq-keys'), {
    caption: 'Each team’s Groq keys; requests of the last 24 hours',
    columns: [
      ...['Team', 'Groq key', 'State'].map((heading) => ({ heading })),
      ...['Age', 'In use for', 'Requests'].map((heading) => ({ heading, isFigure: true })),
    ],
    rows,
  });
}
