import { type MarkupElement, markup, renderMarkup } from '../../kernel/markup.ts';
import { addWeeks, type IsoWeek } from '../iso-week.ts';
import type { WeeklyReport } from '../weekly-report.ts';
import { DARK, LIGHT, type Palette, styleAttributes } from './palette.ts';
import { describeFigures } from './report-text.ts';
import { teamTable } from './team-table.ts';

/** Settings of a CloudWatch custom widget. */
export type WidgetView = {
  readonly isDark: boolean;
  /** The function that renders the widget; its buttons call it again. */
  readonly functionArn: string;
  /** The team in the widget's parameters, which the buttons pass on. */
  readonly team: string | undefined;
  readonly hasNext: boolean;
};

/** Documentation in Markdown that CloudWatch shows to a dashboard's owner on request. */
export const WIDGET_DOCUMENTATION = `## Groq spending of a week, by team

Cost and its change on the week before, tokens, requests, the top model, and the month's spending against its budget, with a
projection. The week is the last one in the dashboard's time range; the buttons show the one before or after. The widget
only reads.

### Widget parameters

Param | Description
---|---
**team** | Show one team only. Default: all
**week** | An ISO 8601 week, such as 2026-W47. Default: the last one in the dashboard's time range

### Example parameters

\`\`\` yaml
team: chatbot
\`\`\``;

const BUTTON_CSS = 'padding:5px 12px;margin-right:8px;border:1px solid;border-radius:4px;font-size:13px;cursor:pointer';

/** Renders a week's table for a custom widget: HTML without scripts, in the colours of the dashboard's theme. */
export function renderWidget(report: WeeklyReport, view: WidgetView): string {
  const palette = view.isDark ? DARK : LIGHT;
  const { word, sentence } = describeFigures(report);
  const caption = `Week ${report.week}, ${report.from} to ${report.to} (UTC)`;
  const next = view.hasNext ? button(palette, view, addWeeks(report.week, 1), 'Next week') : [];
  return renderMarkup(
    markup(
      'div',
      styleAttributes(palette, ['page', 'text'], 'padding:8px;font-family:inherit'),
      teamTable(report, palette, caption),
      markup('p', styleAttributes(palette, ['muted'], 'margin:8px 0;font-size:12px'), `${word}. ${sentence}`),
      markup('div', {}, ...button(palette, view, addWeeks(report.week, -1), 'Previous week'), ...next),
    ),
  );
}

/** Renders an error message as the widget's content. */
export function renderWidgetError(message: string, isDark: boolean): string {
  const style = styleAttributes(isDark ? DARK : LIGHT, ['page', 'warn'], 'padding:8px');
  return renderMarkup(markup('div', style, message));
}

/** A link and the CloudWatch action that it triggers; the action's content becomes the function's parameters. */
function button(
  palette: Palette,
  { functionArn, team }: WidgetView,
  week: IsoWeek,
  label: string,
): readonly MarkupElement[] {
  const parameters = JSON.stringify({ week, ...(team === undefined ? {} : { team }) });
  return [
    markup('a', styleAttributes(palette, ['panel', 'text', 'line'], BUTTON_CSS), label),
    markup('cwdb-action', { action: 'call', display: 'widget', endpoint: functionArn }, parameters),
  ];
}
