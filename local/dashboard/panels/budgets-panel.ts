import type { BudgetAnswer } from '../api-types.ts';
import { alertText, type BudgetView, budgetsNeedingAttention, budgetViews } from '../budget-view.ts';
import { clear, el, elementById, renderIfChanged, setText } from '../dom.ts';
import { decimalsFor, formatMoment, formatShare, money } from '../format.ts';

/** How many alerts are told one by one. */
const MAX_ALERTS = 8;

/** A budget's line, which changes in place so that its bar moves and nothing is read out again. */
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

/** Shows the budgets, and above them those that people must hear of. */
export function showBudgets(answer: BudgetAnswer): void {
  const views = budgetViews(answer);
  const seen = new Set(views.map(rowKey));
  for (const [key, { item }] of rows) {
    if (seen.has(key)) continue;
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

/** Takes all of it away. */
export function clearBudgets(): void {
  rows.clear();
  for (const id of ['budgets', 'alerts', 'alerts-said', 'budgets-note']) clear(elementById(id));
}

function showAlerts(views: readonly BudgetView[]): void {
  const alerts = budgetsNeedingAttention(views);
  const title = alerts.length === 1 ? 'One budget needs attention' : `${alerts.length} budgets need attention`;
  const told = alerts.slice(0, MAX_ALERTS);
  const more = alerts.length - told.length;
  // Read out only when another budget is concerned, or another threshold; not at each cent.
  const said = told.map(({ name, state }) => `${name}: ${state.label}`).join(', ');
  setText(elementById('alerts-said'), alerts.length === 0 ? '' : `${title}: ${said}`);
  elementById('alerts').dataset.gravity = alerts[0]?.state.gravity ?? 'none';
  renderIfChanged(elementById('alerts'), alerts, () =>
    alerts.length === 0
      ? []
      : [
          el('h2', {}, title),
          el('ul', {}, ...told.map(alertItem), ...(more > 0 ? [el('li', {}, `And ${more} more, marked below.`)] : [])),
        ],
  );
}

function alertItem(view: BudgetView): HTMLLIElement {
  const { label, gravity } = view.state;
  return el('li', {}, el('span', { class: `label ${gravity}` }, label), el('span', {}, alertText(view)));
}

function rowKey({ isOrganization, name }: BudgetView): string {
  return isOrganization ? '' : `team ${name}`;
}

function ensureRow(view: BudgetView): Row {
  const known = rows.get(rowKey(view));
  if (known !== undefined) return known;
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
  row.state.className = `label ${view.state.gravity}`;
  row.item.dataset.gravity = view.state.gravity;
  row.meter.setAttribute('aria-valuenow', String(Math.floor(spentShare * 1000) / 10));
  row.meter.setAttribute('aria-valuetext', `${used}, ${money(spentUsd)} of ${money(limitUsd)}, ${view.state.label}`);
  row.spent.style.width = `${spentShare * 100}%`;
  row.held.style.width = `${reservedShare * 100}%`;
  renderIfChanged(row.figures, [spentUsd, limitUsd, used], () => [
    el('strong', { title: `$${spentUsd}` }, money(spentUsd)),
    ` of ${money(limitUsd)}`,
    el('span', { class: 'used' }, used),
  ]);
  const rest = Number(availableUsd) > 0 ? availableUsd : '0';
  const decimals = decimalsFor(Number(limitUsd));
  setText(
    row.left,
    `${money(rest, decimals)} left${Number(reservedUsd) > 0 ? `, ${money(reservedUsd, decimals)} held` : ''}`,
  );
  setText(row.remarks, view.remarks.join(' '));
}
