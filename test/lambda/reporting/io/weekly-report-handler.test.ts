import { describe, expect, it } from 'vitest';
import { picoUsd } from '../../../../lambda/kernel/money.ts';
import { createWeeklyReportHandler } from '../../../../lambda/reporting/io/weekly-report-handler.ts';
import type { SpendingFacts } from '../../../../lambda/reporting/spending-facts.ts';
import { exampleSpending } from '../../../../local/demo/report-example.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { spendingWith, usageRow } from '../../../support/spending.ts';

const MONDAY = '2026-11-23T06:00:00Z';
/** An event of an EventBridge schedule. */
const SCHEDULED = { 'detail-type': 'Scheduled Event', source: 'aws.events', time: MONDAY };

function createRig(facts: SpendingFacts, { isTopicDown = false } = {}) {
  const stored = new Map<string, { contentType: string; text: string }>();
  const messages: { subject: string; lines: readonly string[] }[] = [];
  const logged: object[] = [];
  const weeks: string[] = [];
  const differences: string[] = [];
  const rig = { stored, messages, logged, weeks, isTopicDown, differences };
  const handler = createWeeklyReportHandler({
    readSpending: async (week) => {
      weeks.push(week);
      return facts;
    },
    readCatalogDifferences: async () => rig.differences,
    store: {
      put: async (name, contentType, text) => void stored.set(name, { contentType, text }),
      has: async (name) => stored.has(name),
      linkTo: (name) => `https://console/${name}`,
      downloadCommandFor: (prefix) => `aws s3 cp --recursive s3://bucket/${prefix} .`,
    },
    notify: async (subject, lines) => {
      if (rig.isTopicDown) throw new Error('no topic');
      messages.push({ subject, lines });
    },
    prefix: 'weekly/',
    // A late event reports the week of its own time, not the clock's.
    nowEpochMs: () => Date.parse('2026-12-02T00:00:00Z'),
    log: (event, fields) => void logged.push({ event, ...fields }),
  });
  const invoke = async (event: unknown) =>
    await (handler as (event: unknown, context: unknown) => Promise<void>)(
      event,
      lambdaContext('report', 'id', 60_000),
    );
  return Object.assign(rig, { invoke });
}

describe('the weekly report', () => {
  it('stores the week before its event in every format and notifies the operators', async () => {
    const { invoke, stored, messages, logged, weeks } = createRig(exampleSpending());
    await invoke(SCHEDULED);
    expect(weeks).toEqual(['2026-W47']);
    expect([...stored].map(([name, { contentType }]) => [name, contentType])).toEqual([
      ['weekly/2026-W47/report.html', 'text/html; charset=utf-8'],
      ['weekly/2026-W47/report.csv', 'text/csv; charset=utf-8'],
      ['weekly/2026-W47/report.json', 'application/json'],
      ['weekly/2026-W47/focus.csv', 'text/csv; charset=utf-8'],
      ['weekly/2026-W47/delivered.txt', 'text/plain; charset=utf-8'],
    ]);
    expect(messages).toHaveLength(1);
    const [{ subject, lines } = { subject: '', lines: [] }] = messages;
    expect(subject).toBe('Groq gateway prod: week 2026-W47, $98.38');
    expect(lines.join()).not.toContain('catalog');
    expect(lines).toEqual(
      expect.arrayContaining([
        'https://console/weekly/2026-W47/report.html',
        'aws s3 cp --recursive s3://bucket/weekly/2026-W47/ .',
        expect.stringMatching(/^all teams +\$98\.38 /),
      ]),
    );
    expect(logged).toEqual([
      {
        event: 'weekly_report_written',
        week: '2026-W47',
        figures: 'final',
        costUsd: expect.stringMatching(/^98\.38/),
        gapUsd: '0',
        isNotified: true,
      },
    ]);
  });

  it('says how many differences the catalog has from what Groq lists', async () => {
    const { invoke, messages, differences } = createRig(exampleSpending());
    differences.push('lab/x listed no', 'lab/y active false');
    await invoke(SCHEDULED);
    expect(messages[0]?.lines.at(-1)).toBe(
      "The catalog has 2 differences from Groq's own list of models: see groq-rbac catalog diff.",
    );
  });

  it('stores the same files again for a duplicate event, without a second notification', async () => {
    const { invoke, stored, messages } = createRig(exampleSpending());
    await invoke(SCHEDULED);
    const first = new Map(stored);
    await invoke(SCHEDULED);
    expect(stored).toEqual(first);
    expect(messages).toHaveLength(1);
  });

  it('sends no second notification of a week that a version before 0.2.0 has delivered', async () => {
    const { invoke, stored, messages, logged } = createRig(exampleSpending());
    stored.set('weekly/2026-W47/told.txt', { contentType: 'text/plain; charset=utf-8', text: '' });
    await invoke(SCHEDULED);
    expect(messages).toEqual([]);
    expect(logged).toMatchObject([{ isNotified: false }]);
    expect([...stored.keys()]).toContain('weekly/2026-W47/report.html');
  });

  it('fails if the notification fails, and sends it when Lambda retries', async () => {
    const rig = createRig(exampleSpending(), { isTopicDown: true });
    await expect(rig.invoke(SCHEDULED)).rejects.toThrow('no topic');
    expect([...rig.stored.keys()]).toContain('weekly/2026-W47/report.html');
    rig.isTopicDown = false;
    await rig.invoke(SCHEDULED);
    expect(rig.messages).toHaveLength(1);
  });

  it('reports the week that an operator names, and refuses an invalid one', async () => {
    const { invoke, weeks } = createRig(exampleSpending());
    await invoke({ week: '2026-W40' });
    expect(weeks).toEqual(['2026-W40']);
    await expect(invoke({ week: '2026-W54' })).rejects.toThrow(
      '"week" is "2026-W54"; the weeks of 2026 are W01 to W53',
    );
    await invoke({});
    expect(weeks).toEqual(['2026-W40', '2026-W48']);
  });

  it('limits a message of many teams, and keeps its subject in ASCII for SNS', async () => {
    const rows = Array.from({ length: 300 }, (_, index) =>
      usageRow({ team: `team-${index}`, costPicoUsd: picoUsd(1n) }),
    );
    const { invoke, messages } = createRig(spendingWith(rows));
    await invoke(SCHEDULED);
    expect(messages[0]?.lines.length).toBeLessThan(200);
    expect(messages[0]?.lines.at(-1)).toBe('… and more teams: see the report.');
    expect(messages[0]?.subject).toMatch(/^[\x20-\x7e]{1,100}$/);
  });
});
