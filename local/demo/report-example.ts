import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addUsd, type PicoUsd, picoUsd, picoUsdFromNumber, ZERO_USD } from '../../lambda/kernel/money.ts';
import { parseCatalog } from '../../lambda/pricing/catalog.ts';
import { type TokenPrices, tokenPricesByModel } from '../../lambda/pricing/token-prices.ts';
import { addWeeks, daysOfWeek, type IsoWeek, weekEndsAtEpochMs } from '../../lambda/reporting/iso-week.ts';
import { renderHtml } from '../../lambda/reporting/render/html.ts';
import { renderWidget } from '../../lambda/reporting/render/widget.ts';
import type { SpendingFacts } from '../../lambda/reporting/spending-facts.ts';
import { buildWeeklyReport } from '../../lambda/reporting/weekly-report.ts';
import { NO_USAGE, type UsageRow } from '../../lambda/usage/usage.ts';
import { PROJECT_DIR } from '../settings.ts';

/** The week in the pictures of docs/. */
const EXAMPLE_WEEK: IsoWeek = '2026-W47';
const WEEKS = 8;
const PERIOD = '2026-11';

/** Keys with their model, calls on a working day, weekly growth in percent, and team budget in dollars. */
const CALLERS = [
  { team: 'chatbot', key: 'chatbot-prod-main', model: 'openai/gpt-oss-120b', requests: 9_400, growth: 12, budget: 200 },
  { team: 'chatbot', key: 'chatbot-prod-mobile', model: 'openai/gpt-oss-20b', requests: 6_100, growth: 3, budget: 200 },
  { team: 'research', key: 'research-prod-evals', model: 'qwen/qwen3.8-27b', requests: 5_200, growth: 9, budget: 500 },
  {
    team: 'research',
    key: 'research-prod-main',
    model: 'openai/gpt-oss-120b',
    requests: 3_900,
    growth: -6,
    budget: 500,
  },
  {
    team: 'analytics',
    key: 'analytics-prod-main',
    model: 'openai/gpt-oss-20b',
    requests: 21_000,
    growth: 6,
    budget: 50,
  },
  {
    team: 'batch-processor',
    key: 'batch-processor-prod-main',
    model: 'openai/gpt-oss-20b',
    requests: 2_600,
    growth: 0,
    budget: 500,
  },
] as const;
/** Calls of each day, Monday to Sunday, in percent of a working day's. */
const DAYS = [94, 100, 108, 103, 88, 31, 24];

/** Returns the spending of a fictitious organisation, for pictures and tests. It is the same at each call. */
export function exampleSpending(): SpendingFacts {
  const prices = tokenPricesByModel(
    parseCatalog('catalog.json', JSON.parse(readFileSync(join(PROJECT_DIR, 'config/catalog.json'), 'utf8'))),
  );
  const rows = CALLERS.flatMap((caller, index) =>
    Array.from({ length: WEEKS + 1 }, (_, back) =>
      daysOfWeek(addWeeks(EXAMPLE_WEEK, -back)).map((day, weekday): UsageRow => {
        const grown = caller.requests * (1 - (caller.growth / 100) * back);
        const requests = Math.max(
          0,
          Math.round((grown * (DAYS[weekday] ?? 0)) / 100) + ((weekday * 37 + index * 11 + back * 53) % 90),
        );
        return buildUsageRow(caller, `key${index}`, day, requests, prices.get(caller.model));
      }),
    ).flat(),
  );
  const teams = [...new Set(CALLERS.map(({ team }) => team))].sort();
  const ledgers = teams.map((team) => {
    const own = rows.filter((row) => row.team === team && row.day.startsWith(PERIOD));
    const sum = (part: (row: UsageRow) => PicoUsd) => addUsd(ZERO_USD, ...own.map(part));
    const budget = CALLERS.find((caller) => caller.team === team)?.budget ?? 0;
    const [spentPicoUsd, assumedPicoUsd] = [
      sum(({ costPicoUsd }) => costPicoUsd),
      sum(({ assumedPicoUsd }) => assumedPicoUsd),
    ];
    return {
      team,
      period: PERIOD,
      limitPicoUsd: picoUsdFromNumber(budget),
      spentPicoUsd,
      reservedPicoUsd: ZERO_USD,
      assumedPicoUsd,
      overrunPicoUsd: ZERO_USD,
    };
  });
  return {
    environmentName: 'prod',
    teams,
    rows,
    names: new Map(CALLERS.map(({ key }, index) => [`key${index}`, key])),
    ledgers,
    periods: new Set([PERIOD]),
    caps: new Map([[PERIOD, picoUsdFromNumber(500)]]),
    prices,
    readAtEpochMs: weekEndsAtEpochMs(EXAMPLE_WEEK) + 6 * 3_600_000,
  };
}

function buildUsageRow(
  { team, model }: (typeof CALLERS)[number],
  keyId: string,
  day: string,
  requests: number,
  prices: TokenPrices | undefined,
): UsageRow {
  if (prices === undefined) throw new Error(`the catalog has no price for ${model}`);
  const [promptTokens, cachedTokens, completionTokens] = [requests * 911, requests * 240, requests * 283];
  const input = BigInt(promptTokens - cachedTokens) * prices.inputTokenPicoUsd;
  const tokens =
    input +
    BigInt(cachedTokens) * prices.cachedInputTokenPicoUsd +
    BigInt(completionTokens) * prices.outputTokenPicoUsd;
  // One or two calls a week have no known outcome.
  const assumedPicoUsd = picoUsd(day.endsWith('8') ? 2_048n * prices.outputTokenPicoUsd : 0n);
  const reasoningTokens = Math.floor(completionTokens / 3);
  const refusals: UsageRow['refusals'] =
    team === 'analytics'
      ? { requests_exceeded: Math.floor(requests / 90) }
      : team === 'chatbot'
        ? { tokens_exceeded: 17 }
        : {};
  const tokensUsed = { promptTokens, cachedTokens, completionTokens, reasoningTokens };
  const counts = { ...NO_USAGE, ...tokensUsed, requests, refusals, assumedPicoUsd };
  return { team, day, keyId, model, ...counts, costPicoUsd: picoUsd(tokens + assumedPicoUsd) };
}

/** Renders the example's report of one week and of eight, and the widget in both themes. Returns HTML by file name. */
export function reportExamples(): Readonly<Record<string, string>> {
  const facts = exampleSpending();
  const weeks = Array.from({ length: WEEKS }, (_, index) => addWeeks(EXAMPLE_WEEK, index + 1 - WEEKS));
  const reports = weeks.map((week) => buildWeeklyReport(facts, week));
  const report = buildWeeklyReport(facts, EXAMPLE_WEEK);
  const functionArn = 'arn:aws:lambda:eu-central-1:111111111111:function:widget';
  const widget = (isDark: boolean) => {
    const html = renderWidget(report, { functionArn, team: undefined, hasNext: true, isDark });
    // CloudWatch renders these as buttons. Elsewhere their parameters would show as text.
    return `<!doctype html><meta charset="utf-8"><title>Widget</title><style>cwdb-action{display:none}</style><body style="margin:0;background:${isDark ? '#11151c' : '#fff'};font-family:Helvetica,Arial,sans-serif">${html}`;
  };
  return {
    'weekly-report.html': renderHtml([report]),
    'weekly-report-weeks.html': renderHtml(reports),
    'usage-widget.html': widget(false),
    'usage-widget-dark.html': widget(true),
  };
}
