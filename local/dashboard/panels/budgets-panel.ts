import type { BudgetAnswer } from '../api-types.ts';
import { alertText, type BudgetView, budgetsNeedingAttention, budgetViews } from '../budget-view.ts';
import { clear, el, elementById, renderIfChanged, setText } from '../dom.ts';
import { decimalsFor, formatMoment, formatShare, money } from '../format.ts';

/** Maximum number of alerts that are listed individually. */
const MAX_ALERTS = 8;

/** The elements of a budget's row. They are updated in place, so that the bar animates and screen readers stay silent. */
type Row = {
  readonly item: HTMLLIElement;
  readonly name: HTMLElement;
  readonly state: HTMLElement;
  readonly meter: HTMLElement;
  readonly spent: HTMLElement;
  readonly held: HTMLElement;
  readonly figures: HTMLElement;
  readonly left: HTMLElement;
  readonly remarks: HTMLElement;
};

const rows = new Map<string, Row>();

/** Shows the budgets, and above them alerts of those that need attention. */
export function showBudgets(answer: BudgetAnswer): void {
  const views = budgetViews(answer);
  const keys = new Set(views.map(rowKey));
  for (const [key, { item }] of rows) {
    if (keys.has(key)) continue;
    item.remove();
    rows.delete(key);
  }
  for (const view of views) update(ensureRow(view), view);
  setText(
    elementById('budgets-note'),
    views[0] === undefined ? '' : `This month, until ${formatMoment(views[0].resetsAt)} UTC`,
  );
  showAlerts(views);
}

/** Removes all budgets and alerts. */
export function clearBudgets(): void {
  rows.clear();
  for (const id of ['budgets', 'alerts', 'alerts-announcement', 'budgets-note']) clear(elementById(id));
}

function showAlerts(views: readonly BudgetView[]): void {
  const alerts = budgetsNeedingAttention(views);
  const title = alerts.length === 1 ? 'One budget needs attention' : `${alerts.length} budgets need attention`;
  const listed = alerts.slice(0, MAX_ALERTS);
  const omitted = alerts.length - listed.length;
  // Announced only when a budget or threshold changes, not with every cent.
  const announcement = listed.map(({ name, state }) => `${name}: ${state.label}`).join(', ');
  setText(elementById('alerts-announcement'), alerts.length === 0 ? '' : `${title}: ${announcement}`);
  elementById('alerts').dataset.severity = alerts[0]?.state.severity ?? 'none';
  renderIfChanged(elementById('alerts'), alerts, () =>
    alerts.length === 0
      ? []
      : [
          el('h2', {}, title),
          el(
            'ul',
            {},
            ...listed.map(alertItem),
            ...(omitted > 0 ? [el('li', {}, `And ${omitted} more, marked below.`)] : []),
          ),
        ],
  );
}

function alertItem(view: BudgetView): HTMLLIElement {
  const { label, severity } = view.state;
  return el('li', {}, el('span', { class: `label ${severity}` }, label), el('span', {}, alertText(view)));
}

function rowKey({ isOrganization, name }: BudgetView): string {
  return isOrganization ? '' : `team ${name}`;
}

function ensureRow(view: BudgetView): Row {
  const existing = rows.get(rowKey(view));
  if (existing !== undefined) return existing;
  const spent = el('span', { class: 'spent' });
  const held = el('span', { class: 'held' });
  const marks = [50, 80, 95].map((at) => el('span', { class: `tick at-${at}` }));
  const name = el('span', { class: 'name' }, view.name);
  const state = el('span', { class: 'label' });
  const meter = el('div', { class: 'meter', role: 'meter', 'aria-valuemin': '0', 'aria-valuemax': '100' });
  meter.setAttribute('aria-label', `${view.name}: budget used`);
  meter.append(spent, held, ...marks);
  const figures = el('span', { class: 'figures' });
  const left = el('span', { class: 'left' });
  const remarks = el('span', { class: 'remarks' });
  const item = el('li', view.isOrganization ? { class: 'organization' } : {});
  item.append(name, state, meter, figures, left, remarks);
  const row = { item, name, state, meter, spent, held, figures, left, remarks };
  rows.set(rowKey(view), row);
  elementById('budgets').append(item);
  return row;
}

function update(row: Row, view: BudgetView): void {
  const { spentUsd, limitUsd, availableUsd, reservedUsd, spentShare, reservedShare } = view;
  const used = Number(limitUsd) === 0 ? 'none' : formatShare(spentShare);
  setText(row.state, view.state.label);
  row.state.className = `label ${view.state.severity}`;
  row.item.dataset.severity = view.state.severity;
  row.meter.setAttribute('aria-valuenow', String(Math.floor(spentShare * 1000) / 10));
  row.meter.setAttribute('aria-valuetext', `${used}, ${money(spentUsd)} of ${money(limitUsd)}, ${view.state.label}`);
  row.spent.style.width = `${spentShare * 100}%`;
  row.held.style.width = `${reservedShare * 100}%`;
  renderIfChanged(row.figures, [spentUsd, limitUsd, used], () => [
    el('strong', { title: `$${spentUsd}` }, money(spentUsd)),
    ` of ${money(limitUsd)}`,
    el('span', { class: 'used' }, used),
  ]);
  const left = Number(availableUsd) > 0 ? availableUsd : '0';
  const decimals = decimalsFor(Number(limitUsd));
  setText(
    row.left,
    `${money(left, decimals)} left${Number(reservedUsd) > 0 ? `, ${money(reservedUsd, decimals)} held` : ''}`,
  );
  setText(row.remarks, view.remarks.join(' '));
}
