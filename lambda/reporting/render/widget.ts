import { addWeeks, type IsoWeek } from '../iso-week.ts';
import type { WeeklyReport } from '../weekly-report.ts';
import { escapeHtml } from './html-text.ts';
import { DARK, LIGHT, type Palette, styleAttributes } from './palette.ts';
import { describeFigures } from './report-text.ts';
import { teamTable } from './team-table.ts';

/** What a custom widget of CloudWatch's is drawn for. */
export type WidgetView = {
  readonly isDark: boolean;
  /** The function that draws it, which its buttons call. */
  readonly functionArn: string;
  /** What the dashboard's owner asked for, kept by the buttons. */
  readonly team: string | undefined;
  readonly hasNext: boolean;
};

/** What CloudWatch shows to the owner of a dashboard who asks for the widget's documentation; Markdown. */
export const WIDGET_DOCUMENTATION = `## Groq spending of a week, by team

Cost and its change on the week before, tokens, requests, the top model, and what the month has spent of its budget, with a
projection. The week is the one that the dashboard's time range ends in; the buttons go to the one before or after. Nothing
but reads is done.

### Widget parameters

Param | Description
---|---
**team** | One team only. Default: all
**week** | A week of ISO 8601, such as 2026-W47. Default: as above

### Example parameters

\`\`\` yaml
team: chatbot
\`\`\``;

/** A week's table for a custom widget: HTML without scripts, in the colours of the dashboard's theme. */
export function renderWidget(report: WeeklyReport, view: WidgetView): string {
  const palette = view.isDark ? DARK : LIGHT;
  const { word, sentence } = describeFigures(report);
  const caption = `Week ${report.week}, ${report.from} to ${report.to} (UTC)`;
  const next = view.hasNext ? button(palette, view, addWeeks(report.week, 1), 'Next week') : '';
  return [
    `<div${styleAttributes(palette, ['page', 'text'], 'padding:8px;font-family:inherit')}>`,
    teamTable(report, palette, caption),
    `<p${styleAttributes(palette, ['muted'], 'margin:8px 0;font-size:12px')}>${word}. ${escapeHtml(sentence)}</p>`,
    `<div>${button(palette, view, addWeeks(report.week, -1), 'Week before')}${next}</div></div>`,
  ].join('');
}

/** What the widget says where it cannot show a week. */
export function renderWidgetError(message: string, isDark: boolean): string {
  const palette = isDark ? DARK : LIGHT;
  return `<div${styleAttributes(palette, ['page', 'warn'], 'padding:8px')}>${escapeHtml(message)}</div>`;
}

/** CloudWatch's own button: what is within the action goes to the function, as its parameters. */
function button(palette: Palette, { functionArn, team }: WidgetView, week: IsoWeek, label: string): string {
  const parameters = JSON.stringify({ week, ...(team === undefined ? {} : { team }) });
  const css = 'padding:5px 12px;margin-right:8px;border:1px solid;border-radius:4px;font-size:13px;cursor:pointer';
  return `<a${styleAttributes(palette, ['panel', 'text', 'line'], css)}>${label}</a><cwdb-action action="call" display="widget" endpoint="${escapeHtml(functionArn)}">${escapeHtml(parameters)}</cwdb-action>`;
}
