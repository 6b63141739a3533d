import { renderMarkdownTable, renderTextTable } from '../../lambda/kernel/text-table.ts';
import type { BudgetLine, ProveReport } from './report.ts';
import { MIN_USABLE_PERCENT } from './verdict.ts';

const HEADER = [
  'scenario',
  'sent',
  'admitted',
  'budget $',
  'billed $',
  'spent by the ledger $',
  'held $',
  'overspent $',
  'usable',
  'verdict',
];

/** Renders the report as Markdown that shows the chart from `chartFile`. */
export function renderReport(report: ProveReport, chartFile: string): string {
  const { description, at, calls, concurrency, lines, verdict } = report;
  const held = lines.filter((line) => line.verdict === 'holds').length;
  const minUsable = Math.min(...lines.map(({ usablePercent }) => usablePercent));
  return [
    `# Proof that budgets hold: ${report.name}`,
    '',
    `**${verdict === 'holds' ? 'It holds' : 'It falls short'}**: ${held} of ${lines.length} budgets were neither overspent nor starved; at least ${minUsable.toFixed(2)} % of each could be used. ${at}.`,
    '',
    `Attacked: ${description}. Each budget is worth ${calls} calls of ${report.model} at $${report.callUsd}, ${report.outputTokens} tokens of output each; several times as many are sent, ${concurrency} at a time.`,
    '',
    `![Share of each budget that was billed](${chartFile})`,
    '',
    renderMarkdownTable(HEADER, lines.map(tableRow), [1, 2, 3, 4, 5, 6, 7, 8]),
    '',
    ...lines.flatMap(renderDetails),
    '',
    ...explanation(lines),
    '',
  ].join('\n');
}

function tableRow(line: BudgetLine): readonly (string | number)[] {
  const verdict = line.verdict === 'holds' ? 'holds' : `**${line.verdict}**`;
  return [
    line.title,
    line.sent,
    line.admitted,
    line.budgetUsd,
    line.billedUsd,
    line.spentUsd,
    line.heldUsd,
    line.overspendUsd,
    `${line.usablePercent.toFixed(2)} %`,
    verdict,
  ];
}

function renderDetails({
  title,
  refused,
  disconnected,
  broken,
  note,
  reasons,
  assumedUsd,
  seconds,
  reservePercent,
}: BudgetLine): string[] {
  const refusals = Object.entries(refused).map(([code, count]) => `${count} ${code}`);
  const facts = [
    refusals.length === 0 ? 'nothing was refused' : `refused: ${refusals.join(', ')}`,
    ...(disconnected > 0 ? [`${disconnected} clients hung up`] : []),
    ...(broken > 0 ? [`${broken} responses broke off`] : []),
    ...(assumedUsd !== '0' ? [`$${assumedUsd} charged at the maximum cost`] : []),
    ...(reservePercent > 0 ? [`${reservePercent.toFixed(2)} % of the budget counted beyond the bill`] : []),
    ...(note === '' ? [] : [note]),
    `${seconds} s`,
  ];
  return [`- **${title}**: ${facts.join('; ')}.${reasons.map((reason) => ` **${reason}.**`).join('')}`];
}

function explanation(lines: readonly BudgetLine[]): string[] {
  const counts = new Set(lines.map(({ billedBy }) => billedBy));
  return [
    ...(counts.has('upstream')
      ? [
          "_Billed_ is the upstream's own count of tokens, priced by the catalog: a computation independent of the ledger's. It includes responses that never arrived.",
        ]
      : []),
    ...(counts.has('answers')
      ? ['_Billed_ is the sum of the costs in the responses, because the upstream has no count of its own.']
      : []),
    ...(counts.has('ledger') ? ['Where clients hung up, only the ledger knows what their calls cost.'] : []),
    `_Usable_ is the bill as a share of the budget; under ${MIN_USABLE_PERCENT} % the budget is starved. Where the gateway learned every outcome, ledger and bill agree to the last digit, or the verdict is "miscounted". Held money counts as not usable, unless the upstream billed it.`,
    '',
    'Other gateways under a comparable load: LiteLLM 1.106 lets 100-106 calls through by default, 209 with two processes and no Redis, 176-179 after a kill; one-api 152-160; BricksLLM 151 (budget worth 100 calls, 400 sent 50 at a time).',
  ];
}

/** Renders the report as a table for a terminal. */
export function renderTable({ lines, verdict }: ProveReport): string {
  const head = ['scenario', 'sent', 'admitted', 'budget $', 'billed $', 'overspent $', 'usable', 'verdict'];
  const rows = lines.map((line) => [
    line.title,
    String(line.sent),
    String(line.admitted),
    line.budgetUsd,
    line.billedUsd,
    line.overspendUsd,
    `${line.usablePercent.toFixed(2)} %`,
    line.verdict,
  ]);
  const reasons = lines.flatMap((line) => line.reasons.map((reason) => `${line.title}: ${reason}`));
  return [renderTextTable(head, rows, [1, 2, 3, 4, 5, 6]), '', ...reasons, `The proof ${verdict}.`].join('\n');
}
