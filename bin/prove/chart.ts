import type { BudgetLine, ProveReport } from './report.ts';
import { MIN_USABLE_PERCENT } from './verdict.ts';

/** Measures in pixels. */
const WIDTH = 860;
const ROW = 34;
const BAR = 18;
const TOP = 74;
const LEFT = 330;
const RIGHT = 120;
const BOTTOM = 44;
/** Where the scale ends at least, in percent: beyond the budget, so that an overspend would be seen. */
const MIN_SCALE_PERCENT = 110;

/** Colours by role, for a light and a dark page; the verdict is written out too, never told by colour alone. */
const STYLE = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .minor { font-size: 12px; fill: #57606a; }
  .page { fill: #ffffff; }
  .track { fill: #eaeef2; }
  .billed { fill: #0969da; }
  .counted { fill: #8cc1f5; }
  .over { fill: #cf222e; }
  .budget { stroke: #1f2328; stroke-width: 1.5; }
  .least { stroke: #bf8700; stroke-width: 1.5; stroke-dasharray: 4 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .minor { fill: #9198a1; }
    .page { fill: #0d1117; }
    .track { fill: #21262d; }
    .billed { fill: #4493f8; }
    .counted { fill: #1f4f8a; }
    .over { fill: #f85149; }
    .budget { stroke: #e6edf3; }
    .least { stroke: #f2cc60; }
  }`;

/** Draws, for each budget, what was billed of it and what the ledger counts beyond, against the budget, as SVG. */
export function renderChart({ lines, name, calls }: ProveReport): string {
  const height = TOP + lines.length * ROW + BOTTOM;
  const most = Math.max(MIN_SCALE_PERCENT, ...lines.map((line) => line.usablePercent + line.reservePercent + 5));
  const plot = WIDTH - LEFT - RIGHT;
  const x = (percent: number) => round(LEFT + (plot * percent) / most);
  const end = TOP + lines.length * ROW;
  const least = Number(MIN_USABLE_PERCENT);
  const vertical = (percent: number, kind: string) =>
    `<line class="${kind}" x1="${x(percent)}" x2="${x(percent)}" y1="${TOP - 8}" y2="${end + 4}"/>`;
  const ticks = [0, 25, 50, 75].map(
    (percent) => `<text class="minor" x="${x(percent)}" y="${end + 20}" text-anchor="middle">${percent} %</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">Share of each budget that was billed: ${escapeXml(name)}</title>`,
    `<desc id="desc">${escapeXml(lines.map(describeLine).join('. '))}.</desc>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    `<text class="title" x="20" y="28">Billed of a budget worth ${calls} calls while several times as many are fired</text>`,
    '<rect class="billed" x="20" y="42" width="12" height="12"/><text class="minor" x="38" y="52">billed by the upstream</text>',
    '<rect class="counted" x="190" y="42" width="12" height="12"/><text class="minor" x="208" y="52">counted beyond, outcome unknown</text>',
    `<text class="minor" x="${x(least) - 4}" y="${TOP - 12}" text-anchor="end">${least} %</text>`,
    `<text class="minor" x="${x(100) + 4}" y="${TOP - 12}">100 %: the budget</text>`,
    ...lines.flatMap((line, index) => renderBar(line, TOP + index * ROW, x, most)),
    vertical(least, 'least'),
    vertical(100, 'budget'),
    ...ticks,
    '</svg>',
    '',
  ].join('\n');
}

function renderBar(line: BudgetLine, y: number, x: (percent: number) => number, most: number): string[] {
  const { usablePercent, reservePercent } = line;
  const part = (kind: string, from: number, to: number) =>
    to <= from
      ? []
      : [`<rect class="${kind}" x="${x(from)}" y="${y + 6}" width="${round(x(to) - x(from))}" height="${BAR}"/>`];
  const verdict = line.verdict === 'holds' ? '' : ` ${line.verdict}`;
  return [
    `<text x="${LEFT - 12}" y="${y + 20}" text-anchor="end">${escapeXml(truncate(line.title))}</text>`,
    ...part('track', 0, most),
    ...part('billed', 0, Math.min(usablePercent, 100)),
    ...part('over', 100, usablePercent),
    ...part('counted', usablePercent, usablePercent + reservePercent),
    `<text x="${x(most) + 8}" y="${y + 20}">${usablePercent.toFixed(2)} %${escapeXml(verdict)}</text>`,
  ];
}

function describeLine({ title, usablePercent, reservePercent, verdict }: BudgetLine): string {
  const beyond = reservePercent === 0 ? '' : ` and ${reservePercent.toFixed(2)} % counted beyond`;
  return `${title}: ${usablePercent.toFixed(2)} % billed${beyond}, ${verdict}`;
}

/** How many letters a name has room for. */
const MAX_NAME_LENGTH = 44;

function truncate(text: string): string {
  return text.length <= MAX_NAME_LENGTH ? text : `${text.slice(0, MAX_NAME_LENGTH - 1)}…`;
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
