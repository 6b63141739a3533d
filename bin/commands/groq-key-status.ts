import { stagedQueue } from '../../lambda/groq/groq-key-versions.ts';
import { type GroqKeyRecord, groqKeyState } from '../../lambda/groq-keys/groq-key-record.ts';
import { buildRotationReport } from '../../lambda/groq-keys/rotation-report-builder.ts';
import { formatUtc, hourAt, MS_PER_DAY } from '../../lambda/kernel/period.ts';
import { renderTextTable } from '../../lambda/kernel/text-table.ts';
import { findVersion, VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';
import { addGroqKeyUse, NO_GROQ_KEY_USE } from '../../lambda/usage/groq-key-use.ts';
import { CommandError } from '../command-error.ts';
import type { OpenedGroqKeys } from '../groq-key-operator.ts';
import { type GroqKeyOptions, type RotationReportOptions, runGroqKeyCommand } from './groq-key-command.ts';

const HOUR_MS = 3_600_000;
const HEADER = ['key', 'id', 'state', 'since', 'age', 'calls, 24 h', 'refused', 'failed', 'probes', 'staged by'];
const RIGHT = [4, 5, 6, 7, 8];

/** `groq-key status`: prints a team's keys with their states and calls of 24 hours, and the number of staged keys. */
export async function showKeys(options: GroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async (opened) => {
    const { keys, waiting } = await readStatus(opened);
    const rows = keys.map((key) => [
      key.name,
      key.keyId,
      key.state,
      key.sinceEpochMs === 0 ? '' : formatUtc(key.sinceEpochMs),
      key.sinceEpochMs === 0 ? '' : ageText(opened.operator.nowEpochMs - key.sinceEpochMs),
      String(key.requests),
      String(key.refused),
      String(key.failed),
      `${key.probes}/${key.probesRefused}`,
      key.stagedBy,
    ]);
    const queue = `${waiting} staged.${waiting === 0 ? ` Stage the next one: groq-key stage --team ${opened.team}` : ''}`;
    return { text: `${renderTextTable(HEADER, rows, RIGHT)}\n${queue}`, json: { team: opened.team, keys, waiting } };
  });
}

/** `groq-key report`: prints the report of the rotation that made a key current; of the current key by default. */
export async function showReport(options: RotationReportOptions): Promise<void> {
  await runGroqKeyCommand(options, async ({ operator, team }) => {
    const known = await operator.records.list(team);
    const wanted = known.find(({ keyId, ...key }) =>
      options.key === undefined ? groqKeyState(key) === 'current' : keyId === options.key,
    );
    if (wanted === undefined) throw new CommandError('no such key; groq-key status lists the known ones');
    const markdown = await buildRotationReport(operator, wanted);
    return { text: markdown, json: { team, keyId: wanted.keyId, markdown } };
  });
}

async function readStatus({ operator, team }: OpenedGroqKeys) {
  const { records, use, nowEpochMs } = operator;
  const secret = operator.secretFor(team);
  const { stages } = await secret.state();
  const known = await records.list(team);
  const rows = await use.readGroqKeyUse(team, hourAt(nowEpochMs - MS_PER_DAY), hourAt(nowEpochMs));
  const labelled = new Map<string, string>();
  for (const { keyId } of stagedQueue(stages)) labelled.set(keyId, 'staged');
  for (const [state, label] of [
    ['previous', VERSION_LABEL.previous],
    ['pending', VERSION_LABEL.pending],
    ['current', VERSION_LABEL.current],
  ] as const) {
    const versionId = findVersion(stages, label);
    const key = versionId === undefined ? undefined : await secret.read(versionId);
    if (key !== undefined) labelled.set(key.keyId, state);
  }
  const unknown = [...labelled.keys()].filter((keyId) => !known.some((key) => key.keyId === keyId));
  const all = [...known, ...unknown.map((keyId): GroqKeyRecord => ({ team, keyId, probes: 0, probesRefused: 0 }))];
  const keys = all.map((key) => {
    const { requests, refused, failed } = rows
      .filter(({ keyId }) => keyId === key.keyId)
      .reduce(addGroqKeyUse, NO_GROQ_KEY_USE);
    const { keyId, name = '(no name)', stagedBy = '', probes, probesRefused } = key;
    const state = stateText(key, labelled.get(keyId));
    return {
      keyId,
      name,
      state,
      sinceEpochMs: lastChangedAt(key),
      requests,
      refused,
      failed,
      probes,
      probesRefused,
      stagedBy,
    };
  });
  keys.sort((a, b) => b.sinceEpochMs - a.sinceEpochMs);
  return { keys, waiting: [...labelled.values()].filter((state) => state === 'staged').length };
}

/** Combines the label of the secret's version, which gateways follow, with the state in the registry. */
function stateText(key: GroqKeyRecord, label: string | undefined): string {
  const known = groqKeyState(key);
  if (label === undefined || label === known) return known;
  if (label === 'previous') return known === 'replaced' ? 'replaced, usable' : `${known}, usable`;
  return known === 'revoked' ? `${label}, revoked` : label;
}

function lastChangedAt(key: GroqKeyRecord): number {
  const { stagedAtEpochMs, createdAtEpochMs, currentFromEpochMs, replacedAtEpochMs, retiredAtEpochMs } = key;
  const ends = [
    key.returnedAtEpochMs,
    key.refusedAtEpochMs,
    key.unstagedAtEpochMs,
    key.revokedAtEpochMs,
    key.deletedAtEpochMs,
  ];
  const times = [stagedAtEpochMs, createdAtEpochMs, currentFromEpochMs, replacedAtEpochMs, retiredAtEpochMs, ...ends];
  return Math.max(0, ...times.filter((time) => time !== undefined));
}

function ageText(ms: number): string {
  return ms >= MS_PER_DAY ? `${Math.floor(ms / MS_PER_DAY)} d` : `${Math.floor(ms / HOUR_MS)} h`;
}
