import { readFileSync } from 'node:fs';
import {
  addUsd,
  type PicoUsd,
  parseUsd,
  picoUsd,
  subtractUsd,
  toUsdString,
  ZERO_USD,
} from '../../lambda/kernel/money.ts';
import type { Catalog } from '../../lambda/pricing/catalog.ts';
import { METRIC } from '../../lambda/telemetry/metrics.ts';
import { foldRows, sumRefusals, sumUsage, type UsageRow } from '../../lambda/usage/usage.ts';
import type { ModelCount, ServedCounts } from '../../local/fake-groq/served-counts.ts';
import { computeBill } from '../../local/fake-groq/upstream-bill.ts';
import { type Figures, refusalFigures, type Source, tokenFigures } from './figures.ts';

/** The fields read from `GET /openai/v1/usage?group_by=model`, or from a weekly report by model. */
export type UsageAnswer = { readonly data: readonly ResponseRow[]; readonly total: ResponseRow };
type ResponseRow = { readonly [field: string]: unknown; readonly refusals: Readonly<Record<string, number>> };

/** The upstream's counts, with a bill computed from its totals. */
export function upstreamSource(served: ServedCounts, catalog: Catalog): Source {
  const models = Object.entries(served.byModel);
  const requests = [...models, ...Object.entries(served.interruptedByModel)];
  return {
    name: 'fake upstream',
    figures: {
      'requests accepted': String(requests.reduce((sum, [, count]) => sum + count.requests, 0)),
      'cost known': toUsdString(computeBill(served.byModel, catalog)),
      ...Object.assign({}, ...models.map(([model, count]) => tokenFigures(model, count))),
    },
  };
}

/** The ledgers, from `GET /openai/v1/budget`. */
export function ledgerSource(teams: readonly Readonly<Record<string, unknown>>[]): Source {
  const sum = (field: string) => addUsd(ZERO_USD, ...teams.map((team) => parseUsd(String(team[field])) ?? ZERO_USD));
  return { name: 'ledgers', figures: moneyFigures(sum('spent_usd'), sum('assumed_usd')) };
}

/** The rows of the projection. */
export function projectionSource(rows: readonly UsageRow[]): Source {
  const total = sumUsage(rows);
  const byModel = foldRows(rows.map((row) => ({ ...row, team: '', keyId: '', day: '' })));
  return {
    name: 'projection',
    figures: {
      'requests accepted': String(total.requests),
      voided: String(total.voided),
      refused: String(sumRefusals(total)),
      ...moneyFigures(total.costPicoUsd, total.assumedPicoUsd),
      ...refusalFigures(total.refusals),
      ...tokensByModel(byModel.map((row) => [row.model, row])),
    },
  };
}

/** The usage API or the weekly report. */
export function apiSource(name: string, { data, total }: UsageAnswer): Source {
  const money = (field: string) => parseUsd(String(total[field])) ?? ZERO_USD;
  const rows = data.map((row): readonly [string, Omit<ModelCount, 'requests'>] => [
    String(row.model),
    {
      promptTokens: Number(row.prompt_tokens),
      cachedTokens: Number(row.cached_tokens),
      completionTokens: Number(row.completion_tokens),
      reasoningTokens: Number(row.reasoning_tokens),
    },
  ]);
  return {
    name,
    figures: {
      'requests accepted': String(total.requests),
      voided: String(total.voided_requests),
      refused: String(total.refused_requests),
      ...moneyFigures(money('cost_usd'), money('assumed_usd')),
      ...refusalFigures(total.refusals),
      ...tokensByModel(rows),
    },
  };
}

/** The sum of the metrics lines of every process, and of their dollars, which are floats. */
export function metricsSource(files: readonly string[]): { readonly source: Source; readonly floatUsd: number } {
  const lines = files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
      .filter(({ event }) => event === 'request'),
  );
  const sent = lines.filter(({ costPicoUsd }) => costPicoUsd !== undefined);
  const isVoid = ({ costPicoUsd, Code }: Readonly<Record<string, unknown>>) =>
    costPicoUsd === '0' && Code !== undefined;
  const refused = lines.filter(({ costPicoUsd, Code }) => costPicoUsd === undefined && Code !== undefined);
  const pico = (field: string) => picoUsd(sent.reduce((sum, line) => sum + BigInt(String(line[field] ?? 0)), 0n));
  const refusals: Record<string, number> = {};
  for (const { Code } of refused) refusals[String(Code)] = (refusals[String(Code)] ?? 0) + 1;
  const models = Map.groupBy(sent, ({ Model }) => String(Model));
  const tokens = [...models].map(([model, ofModel]): readonly [string, Omit<ModelCount, 'requests'>] => {
    const sum = (name: string) => ofModel.reduce((total, line) => total + Number(line[name] ?? 0), 0);
    return [
      model,
      {
        promptTokens: sum(METRIC.promptTokens),
        cachedTokens: sum(METRIC.cachedTokens),
        completionTokens: sum(METRIC.completionTokens),
        reasoningTokens: sum(METRIC.reasoningTokens),
      },
    ];
  });
  const figures: Figures = {
    requests: String(lines.reduce((sum, line) => sum + Number(line[METRIC.requests]), 0)),
    'requests accepted': String(sent.filter((line) => !isVoid(line)).length),
    voided: String(sent.filter(isVoid).length),
    refused: String(refused.length),
    ...moneyFigures(pico('costPicoUsd'), pico('assumedPicoUsd')),
    ...refusalFigures(refusals),
    ...tokensByModel(tokens),
  };
  const floatUsd = lines.reduce((sum, line) => sum + Number(line[METRIC.costUsd] ?? 0), 0);
  return { source: { name: 'metrics', figures }, floatUsd };
}

function moneyFigures(cost: PicoUsd, assumed: PicoUsd): Figures {
  return { 'cost known': toUsdString(subtractUsd(cost, assumed)), 'cost assumed': toUsdString(assumed) };
}

/** Token figures of the models with prompt tokens; other models have refusals only. */
function tokensByModel(rows: readonly (readonly [string, Omit<ModelCount, 'requests'>])[]): Figures {
  const made = rows.filter(([, { promptTokens }]) => promptTokens > 0);
  return Object.assign({}, ...made.map(([model, counts]) => tokenFigures(model, counts)));
}
