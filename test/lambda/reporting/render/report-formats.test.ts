import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addUsd, type PicoUsd, parseUsd, picoUsd, toUsdString, ZERO_USD } from '../../../../lambda/kernel/money.ts';
import { formatExactUsd } from '../../../../lambda/reporting/render/format.ts';
import { REPORT_FORMATS } from '../../../../lambda/reporting/render/report-formats.ts';
import { buildWeeklyReport } from '../../../../lambda/reporting/weekly-report.ts';
import type { UsageRow } from '../../../../lambda/usage/usage.ts';
import { exampleSpending } from '../../../../local/demo/report-example.ts';
import { parseCsv } from '../../../support/parse-csv.ts';
import { spendingWith, usageRow, WEEK } from '../../../support/spending.ts';

const { table, html, csv, json, focus } = REPORT_FORMATS;
const dollars = (text: string): PicoUsd => parseUsd(text) ?? ZERO_USD;
const sum = (texts: readonly (string | undefined)[]) => addUsd(ZERO_USD, ...texts.map((text) => dollars(text ?? '')));
const tag = (name: string) => new RegExp(`<${name}[ >]`, 'g');
/** The exact amounts in the tooltips of a table's body. */
function titlesIn(text: string, caption: string): readonly string[] {
  const table = text.slice(text.indexOf(`>${caption}</caption>`));
  const body = table.slice(0, table.indexOf('</tbody>'));
  // The first amount of a row is its cost.
  return body.split('<tr>').flatMap((row) => /title="\$([\d.]+)"/.exec(row)?.[1] ?? []);
}

const AMOUNT = { min: 0n, max: 10n ** 15n };
const rowArbitrary: fc.Arbitrary<UsageRow> = fc
  .record({
    team: fc.constantFrom('a', 'b', 'c'),
    day: fc.constantFrom('2026-11-09', '2026-11-16', '2026-11-18', '2026-11-22', '2026-11-23'),
    keyId: fc.constantFrom('k1', 'k2', 'k3', 'k4'),
    model: fc.constantFrom('m1', 'm2'),
    requests: fc.nat(1_000),
    promptTokens: fc.nat(10_000),
    completionTokens: fc.nat(10_000),
    costPicoUsd: fc.bigInt(AMOUNT).map(picoUsd),
    assumed: fc.bigInt(AMOUNT),
  })
  .map(({ assumed, ...row }) =>
    usageRow({ ...row, assumedPicoUsd: picoUsd(assumed < row.costPicoUsd ? assumed : row.costPicoUsd) }),
  );
const spending = fc
  .uniqueArray(rowArbitrary, {
    selector: ({ team, day, keyId, model }) => [team, day, keyId, model].join(),
    minLength: 1,
    maxLength: 40,
  })
  .map((rows) =>
    spendingWith(rows, {
      prices: new Map([
        [
          'm1',
          { inputTokenPicoUsd: picoUsd(3n), cachedInputTokenPicoUsd: picoUsd(1n), outputTokenPicoUsd: picoUsd(7n) },
        ],
      ]),
    }),
  );

describe('every report format', () => {
  it('adds up to the total in every breakdown, to the last pico-dollar', () => {
    fc.assert(
      fc.property(spending, (facts) => {
        const reports = ['2026-W46', WEEK].map((week) => buildWeeklyReport(facts, week));
        const wanted = addUsd(...reports.map(({ total }) => total.counts.costPicoUsd));
        const inWeeks = facts.rows.filter(({ day }) => day !== '2026-11-23');
        expect(wanted).toBe(addUsd(ZERO_USD, ...inWeeks.map(({ costPicoUsd }) => costPicoUsd)));
        expect(sum(parseCsv(csv.render(reports)).map(({ cost_usd }) => cost_usd))).toBe(wanted);
        expect(sum(parseCsv(focus.render(reports)).map(({ BilledCost }) => BilledCost))).toBe(wanted);
        for (const [index, week] of JSON.parse(json.render(reports)).data.entries()) {
          const total = reports[index]?.total.counts.costPicoUsd;
          for (const parts of [week.teams, week.days, week.models, week.rows])
            expect(sum(parts.map(({ cost_usd }: { cost_usd: string }) => cost_usd))).toBe(total);
          expect(dollars(week.total.cost_usd)).toBe(total);
        }
        for (const report of reports) {
          const total = report.total.counts.costPicoUsd;
          const text = html.render([report]);
          for (const caption of ['By team', 'By model', 'By key', 'By day'])
            expect([caption, sum(titlesIn(text, caption))]).toEqual([caption, total]);
          expect(table.render([report])).toContain(`Exactly: ${formatExactUsd(total)}.`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('labels requests that were refused before their model was known', () => {
    const rows = [usageRow({ model: '', requests: 0, costPicoUsd: picoUsd(0n), refusals: { invalid_request: 2 } })];
    expect(html.render([buildWeeklyReport(spendingWith(rows), WEEK)])).toContain('>(no model)<');
  });

  it.each(['<script>alert(1)</script>', '"quoted", and more', "it's & <b>", 'two\r\nlines', '</td></table>', 'a&lt;b'])(
    'shows a name as plain text: %s',
    (name) => {
      const refusals = { model_not_found: 2 };
      const facts = spendingWith([usageRow({ model: name, keyId: name, team: name, refusals })], {
        environmentName: name,
        names: new Map([[name, name]]),
      });
      const reports = [buildWeeklyReport(facts, WEEK)];
      const markup = html.render(reports);
      expect(markup).not.toContain('<script');
      expect(markup).not.toContain('<b>');
      // A name never opens or closes an element.
      for (const element of ['table', 'td', 'svg', 'article'])
        expect([element, markup.match(tag(element))?.length]).toEqual([
          element,
          markup.split(`</${element}>`).length - 1,
        ]);
      const [row] = parseCsv(csv.render(reports));
      expect([row?.team, row?.key_name, row?.model]).toEqual([name, name, name]);
      const [charge] = parseCsv(focus.render(reports));
      expect([charge?.SubAccountId, charge?.ResourceName, charge?.x_Model]).toEqual([name, name, name]);
      expect(JSON.parse(charge?.Tags ?? '')).toMatchObject({ 'groq-gateway:model': name });
      expect(JSON.parse(json.render(reports)).data[0].teams[0].top_model.name).toBe(name);
      // A name never adds a line to the table.
      expect(table.render(reports).split('\n').length).toBe(
        table.render([buildWeeklyReport(spendingWith([usageRow({ refusals })]), WEEK)]).split('\n').length,
      );
    },
  );

  it.each(['=1+1', '+cmd|x', '-2', '@SUM(A1)', '\t=1', '\r=1'])('is not a formula in a spreadsheet: %j', (name) => {
    const facts = spendingWith([usageRow({ team: name, keyId: name, model: name })], {
      names: new Map([[name, name]]),
    });
    const reports = [buildWeeklyReport(facts, WEEK)];
    const [row] = parseCsv(csv.render(reports));
    expect([row?.team, row?.key_id, row?.key_name, row?.model]).toEqual(Array.from({ length: 4 }, () => `'${name}`));
    expect(parseCsv(focus.render(reports))[0]?.SubAccountName).toBe(`'${name}`);
    // Negative figures stay figures.
    const corrected = spendingWith([usageRow({ requests: -1, costPicoUsd: picoUsd(-5n) })]);
    expect(parseCsv(csv.render([buildWeeklyReport(corrected, WEEK)]))[0]).toMatchObject({
      requests: '-1',
      cost_usd: toUsdString(picoUsd(-5n)),
    });
  });

  it('handles a week without a call and a team without a budget', () => {
    const reports = [buildWeeklyReport(spendingWith([], { teams: ['idle'], caps: new Map() }), WEEK)];
    expect(table.render(reports)).toMatch(/^idle +\$0\.00 +– +0 +0 +– +– +– +–$/m);
    expect(html.render(reports)).toContain('as in the week before');
    expect(parseCsv(csv.render(reports))).toEqual([]);
    expect(JSON.parse(json.render(reports)).data[0]).toMatchObject({
      organization: null,
      teams: [{ top_model: null, budget: null }],
    });
  });
});

describe('the HTML', () => {
  const report = buildWeeklyReport(exampleSpending(), WEEK);
  const text = html.render([report]);

  it('has no script and no external resource, and forbids both by its policy', () => {
    expect(text).toContain(`content="default-src 'none';style-src 'unsafe-inline'"`);
    expect(text).not.toMatch(/<(script|link|img|iframe|object|form|base)\b|@import|url\(|\bon\w+=|javascript:/i);
    const addresses = [...text.matchAll(/https?:\/\/[^"' <]+/g)].map(([address]) => address);
    // The namespace of SVG, which is never fetched.
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg']));
  });

  it('is accessible to screen readers: captions, row and column headings, chart descriptions', () => {
    for (const [table] of text.matchAll(/<table.*?<\/table>/gs)) {
      expect(table).toMatch(/<caption[^>]*>[^<]+<\/caption>/);
      expect(table.match(/<th scope="col"/g)?.length).toBeGreaterThan(2);
      const rows = table.match(/<tr>/g)?.length ?? 0;
      expect(table.match(/<th scope="row"/g)?.length).toBe(rows - 1);
    }
    const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, named = ''] of text.matchAll(/aria-labelledby="([^"]+)"/g))
      for (const id of named.split(' ')) expect(ids).toContain(id);
    expect(text).toMatch(/<desc id="2026-W47-days-description">Mon 16: \$16\.79, .*Sun 22: \$4\.44\.<\/desc>/);
    expect(text).toContain('<html lang="en">');
  });

  it('has inline colours for mail, a dark theme, and light colours for print', () => {
    expect(text).toContain('@media (prefers-color-scheme:dark)');
    expect(text).toContain('@media print');
    const styled = [...text.matchAll(/class="([^"]+)"( style="[^"]+")?/g)].filter(([, names]) => names !== 'g-wide');
    for (const [element, , style] of styled) expect([element, style !== undefined]).toEqual([element, true]);
  });

  it('shows the newest week first, below the trend', () => {
    const facts = exampleSpending();
    const weeks = html.render(['2026-W45', '2026-W46', WEEK].map((week) => buildWeeklyReport(facts, week)));
    expect(weeks.indexOf('Cost by week')).toBeLessThan(weeks.indexOf('id="2026-W47"'));
    expect(weeks.indexOf('id="2026-W47"')).toBeLessThan(weeks.indexOf('id="2026-W45"'));
  });
});

it('lays out a table for a terminal', () => {
  const lines = table.render([buildWeeklyReport(exampleSpending(), WEEK)]).split('\n');
  expect(lines.slice(0, 8)).toEqual([
    'Week 2026-W47, 2026-11-16 to 2026-11-22 (UTC), environment prod, made 2026-11-23 06:00 UTC',
    '',
    'team               cost  change       tokens  requests  top model            budget  this month  projected',
    'research         $59.84    +8 %   60,245,658    50,457  qwen/qwen3.8-27b       $500     $168.49  $232.46',
    'chatbot          $19.80   +11 %  102,076,254    85,491  openai/gpt-oss-120b    $200      $54.23   $75.40',
    'analytics        $16.65    +6 %  137,841,330   115,445  openai/gpt-oss-20b      $50      $47.55   $65.35 !',
    'batch-processor   $2.09     0 %   17,324,940    14,510  openai/gpt-oss-20b     $500       $6.39    $8.62',
    'all teams        $98.38    +8 %  317,488,182   265,903  qwen/qwen3.8-27b       $500     $276.66  $381.83',
  ]);
});
