import { describe, expect, it } from 'vitest';
import { createUsageWidgetHandler } from '../../../../lambda/reporting/io/usage-widget-handler.ts';
import { exampleSpending } from '../../../../local/demo/report-example.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';

const ARN = 'arn:aws:lambda:eu-central-1:111111111111:function:widget';
const weeksRead: string[] = [];
const handler = createUsageWidgetHandler({
  readSpending: async (week) => {
    weeksRead.push(week);
    return exampleSpending();
  },
  nowEpochMs: () => Date.parse('2026-11-25T12:00:00Z'),
});

async function draw(event: object): Promise<string> {
  const context = { ...lambdaContext('widget', 'id', 25_000), invokedFunctionArn: ARN };
  return await (handler as unknown as (event: object, context: object) => Promise<string>)(event, context);
}
const contextWith = (end: string, theme = 'light') => ({
  widgetContext: { theme, timeRange: { mode: 'absolute', start: 0, end: Date.parse(end) } },
});
/** The requests that the buttons would send. */
const actionsIn = (html: string) =>
  [...html.matchAll(/<cwdb-action action="call" display="widget" endpoint="([^"]+)">([^<]+)<\/cwdb-action>/g)].map(
    ([, endpoint, parameters = '']) => [endpoint, JSON.parse(parameters.replaceAll('&quot;', '"'))],
  );

describe('the widget', () => {
  it('returns its documentation without reading anything', async () => {
    weeksRead.length = 0;
    expect(await draw({ describe: true })).toMatch(/^## Groq spending of a week.*\*\*team\*\*/s);
    expect(weeksRead).toEqual([]);
  });

  it.each([
    ['2026-11-19T10:00:00Z', '2026-W47'],
    ['2026-11-23T00:00:00Z', '2026-W47'],
    ['2026-11-23T00:00:01Z', '2026-W48'],
    ['2027-01-01T00:00:00Z', '2026-W48'],
  ])('shows the week in which the time range ends, but never a future one: %s', async (end, week) => {
    weeksRead.length = 0;
    expect(await draw(contextWith(end))).toContain(`Week ${week}`);
    expect(weeksRead).toEqual([week]);
  });

  it('shows every amount, without scripts', async () => {
    const html = await draw({ week: '2026-W47', ...contextWith('2026-11-25T00:00:00Z') });
    expect(html).not.toMatch(/<script|\bon\w+=|javascript:|https?:/i);
    expect(html).toContain('<caption');
    for (const text of ['$98.38', 'batch-processor', '$65.35', '+8 %', 'Final.']) expect(html).toContain(text);
  });

  it('has buttons for the previous and the next week, which keep the team', async () => {
    expect(actionsIn(await draw({ week: '2026-W47', team: 'chatbot' }))).toEqual([
      [ARN, { week: '2026-W46', team: 'chatbot' }],
      [ARN, { week: '2026-W48', team: 'chatbot' }],
    ]);
    // The current week has no next one.
    expect(actionsIn(await draw({ week: '2026-W48' }))).toEqual([[ARN, { week: '2026-W47' }]]);
  });

  it('shows one team on request, and an error for an unknown team', async () => {
    const html = await draw({ week: '2026-W47', team: 'chatbot' });
    expect(html).toContain('chatbot');
    expect(html).not.toContain('research');
    expect(await draw({ team: '<b>chatbt' })).toContain('There is no team &quot;&lt;b&gt;chatbt&quot;');
    expect(await draw({ team: 'chatbt' })).toContain('did you mean &quot;chatbot&quot;?');
    expect(await draw({ week: '2026-W99' })).toContain('the weeks of 2026 are W01 to W53');
  });

  it("uses the colours of the dashboard's theme", async () => {
    const [light, dark] = [
      await draw(contextWith('2026-11-22T00:00:00Z')),
      await draw(contextWith('2026-11-22T00:00:00Z', 'dark')),
    ];
    expect(light).toContain('background-color:#ffffff');
    expect(dark).not.toContain('#ffffff');
    expect(dark).toContain('background-color:#11151c');
  });
});
