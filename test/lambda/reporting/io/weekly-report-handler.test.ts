import { describe, expect, it } from 'vitest';
import { picoUsd } from '../../../../lambda/kernel/money.ts';
import { createWeeklyReportHandler } from '../../../../lambda/reporting/io/weekly-report-handler.ts';
import type { SpendingFacts } from '../../../../lambda/reporting/spending-facts.ts';
import { exampleSpending } from '../../../../local/demo/report-example.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { spendingWith, usageRow } from '../../../support/spending.ts';

const MONDAY = '2026-11-23T06:00:00Z';
/** As EventBridge's schedules tell it. */
const SCHEDULED = { 'detail-type': 'Scheduled Event', source: 'aws.events', time: MONDAY };

function worldOf(facts: SpendingFacts, { isTopicDown = false } = {}) {
  const kept = new Map<string, { contentType: string; text: string }>();
  const told: { subject: string; lines: readonly string[] }[] = [];
  const logged: object[] = [];
  const asked: string[] = [];
  const world = { kept, told, logged, asked, isTopicDown };
  const handler = createWeeklyReportHandler({
    readSpending: async (week) => {
      asked.push(week);
      return facts;
    },
    store: {
      put: async (name, contentType, text) => void kept.set(name, { contentType, text }),
      has: async (name) => kept.has(name),
      linkTo: (name) => `https://console/${name}`,
      downloadCommandFor: (prefix) => `aws s3 cp --recursive s3://bucket/${prefix} .`,
    },
    notify: async (subject, lines) => {
      if (world.isTopicDown) throw new Error('no topic');
      told.push({ subject, lines });
    },
    prefix: 'weekly/',
    // A late event is of its own week, not of the clock's.
    nowEpochMs: () => Date.parse('2026-12-02T00:00:00Z'),
    log: (event, fields) => void logged.push({ event, ...fields }),
  });
  const invoke = async (event: unknown) =>
    await (handler as (event: unknown, context: unknown) => Promise<void>)(
      event,
      lambdaContext('report', 'id', 60_000),
    );
  return Object.assign(world, { invoke });
}

describe('the weekly report', () => {
  it('writes the week before its event in every form, and tells the operators where it is', async () => {
    const { invoke, kept, told, logged, asked } = worldOf(exampleSpending());
    await invoke(SCHEDULED);
    expect(asked).toEqual(['2026-W47']);
    expect([...kept].map(([name, { contentType }]) => [name, contentType])).toEqual([
      ['weekly/2026-W47/report.html', 'text/html; charset=utf-8'],
      ['weekly/2026-W47/report.csv', 'text/csv; charset=utf-8'],
      ['weekly/2026-W47/report.json', 'application/json'],
      ['weekly/2026-W47/focus.csv', 'text/csv; charset=utf-8'],
      ['weekly/2026-W47/told.txt', 'text/plain; charset=utf-8'],
    ]);
    expect(told).toHaveLength(1);
    const [{ subject, lines } = { subject: '', lines: [] }] = told;
    expect(subject).toBe('Groq gateway prod: week 2026-W47, $82.91');
    expect(lines).toEqual(
      expect.arrayContaining([
        'https://console/weekly/2026-W47/report.html',
        'aws s3 cp --recursive s3://bucket/weekly/2026-W47/ .',
        expect.stringMatching(/^all teams +\$82\.91 /),
      ]),
    );
    expect(logged).toEqual([
      {
        event: 'weekly_report_written',
        week: '2026-W47',
        figures: 'final',
        costUsd: expect.stringMatching(/^82\.91/),
        gapUsd: '0',
        isNotified: true,
      },
    ]);
  });

  it('writes the same files again when it is told twice, and tells nobody a second time', async () => {
    const { invoke, kept, told } = worldOf(exampleSpending());
    await invoke(SCHEDULED);
    const first = new Map(kept);
    await invoke(SCHEDULED);
    expect(kept).toEqual(first);
    expect(told).toHaveLength(1);
  });

  it('fails when nobody could be told, so that Lambda tries again, and then tells them', async () => {
    const world = worldOf(exampleSpending(), { isTopicDown: true });
    await expect(world.invoke(SCHEDULED)).rejects.toThrow('no topic');
    expect([...world.kept.keys()]).toContain('weekly/2026-W47/report.html');
    world.isTopicDown = false;
    await world.invoke(SCHEDULED);
    expect(world.told).toHaveLength(1);
  });

  it('makes the week that an operator names, and none that there is not', async () => {
    const { invoke, asked } = worldOf(exampleSpending());
    await invoke({ week: '2026-W40' });
    expect(asked).toEqual(['2026-W40']);
    await expect(invoke({ week: '2026-W54' })).rejects.toThrow(
      '"week" is "2026-W54"; the weeks of 2026 are W01 to W53',
    );
    await invoke({});
    expect(asked).toEqual(['2026-W40', '2026-W48']);
  });

  it('keeps a message short however many teams there are, in ASCII where SNS wants it', async () => {
    const rows = Array.from({ length: 300 }, (_, index) =>
      usageRow({ team: `team-${index}`, costPicoUsd: picoUsd(1n) }),
    );
    const { invoke, told } = worldOf(spendingWith(rows));
    await invoke(SCHEDULED);
    expect(told[0]?.lines.length).toBeLessThan(200);
    expect(told[0]?.lines.at(-1)).toBe('… and more teams: see the report.');
    expect(told[0]?.subject).toMatch(/^[\x20-\x7e]{1,100}$/);
  });
});
