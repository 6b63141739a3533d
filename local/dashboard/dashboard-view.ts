import { dayAt } from '../../lambda/kernel/period.ts';
import { type ApiResult, fetchApi } from './api.ts';
import type { AuditEntry, BudgetAnswer, GroqKey, Key, List, UsageAnswer } from './api-types.ts';
import { clear, elementById } from './dom.ts';
import { clearBudgets, showBudgets } from './panels/budgets-panel.ts';
import { showGroqKeys } from './panels/groq-keys-panel.ts';
import { hidePanel, showAudit, showKeys, showRefusals } from './panels/lists-panel.ts';
import { showWeek } from './panels/week-panel.ts';
import { countRefusals } from './refusals.ts';
import { comparedDays, summarizeWeek } from './week.ts';

/** What changes rarely is asked for at every so many looks. */
const SLOW_POLL_INTERVAL = 5;
const AUDIT_ENTRIES = 12;

/** What one look came to. */
export type RefreshResult = 'shown' | 'signed out' | { readonly why: string };

/** Asks the gateway for all that the page shows, as one key, and shows it. What the key may not see is asked for once. */
export class DashboardView {
  readonly #key: string;
  /** A key of the organisation sees teams; one of a team sees its models. */
  readonly #group: 'team' | 'model';
  readonly #hiddenPanels = new Set<string>();
  #looks = 0;
  #keys: readonly Key[] = [];
  #audit: readonly AuditEntry[] | undefined;
  #includesEnded = false;

  constructor(key: string, self: Key) {
    this.#key = key;
    this.#group = self.team === null ? 'team' : 'model';
  }

  async refresh(signal: AbortSignal): Promise<RefreshResult> {
    const nowEpochMs = Date.now();
    const { from, to } = comparedDays(nowEpochMs);
    const isSlow = this.#looks % SLOW_POLL_INTERVAL === 0;
    const answers = await Promise.all([
      // Whether the key still stands is asked of the function that remembers nothing.
      fetchApi<Key>('api-keys/me', this.#key, signal),
      this.#show<BudgetAnswer>('budget', 'budgets', signal, showBudgets),
      this.#show<UsageAnswer>(`usage?from=${from}&to=${to}&group_by=day,${this.#group}`, 'week', signal, (usage) =>
        this.#showUsage(usage, nowEpochMs),
      ),
      ...(isSlow ? this.#slow(signal, nowEpochMs) : []),
    ]);
    if (answers.some(({ kind }) => kind === 'signed out')) return 'signed out';
    const failed = answers.find((answer) => answer.kind === 'unavailable');
    if (failed !== undefined) return { why: failed.why };
    this.#looks++;
    return 'shown';
  }

  /** Shows keys that have ended as well, or no more. */
  toggleEnded(): void {
    this.#includesEnded = !this.#includesEnded;
    showKeys(this.#keys, this.#includesEnded, Date.now());
  }

  /** Takes everything off the page, so that nothing is left for whoever comes next. */
  static clear(): void {
    clearBudgets();
    const panels = ['week', 'refusals', 'keys', 'groq-keys', 'audit'];
    for (const id of [...panels.map((panel) => `${panel}-note`), 'week-chart', 'week-series', 'week-table'])
      clear(elementById(id));
    for (const panel of panels.slice(1)) clear(elementById(panel));
    elementById('keys-ended').hidden = true;
  }

  #slow(signal: AbortSignal, nowEpochMs: number): Promise<ApiResult<unknown>>[] {
    return [
      this.#show<List<Key>>('api-keys', 'keys', signal, ({ data }) => {
        this.#keys = data;
        showKeys(data, this.#includesEnded, nowEpochMs);
        this.#showAudit();
      }),
      this.#show<List<GroqKey>>('groq-keys', 'groq-keys', signal, ({ data }) => showGroqKeys(data, nowEpochMs)),
      this.#show<List<AuditEntry>>(`audit?limit=${AUDIT_ENTRIES}`, 'audit', signal, ({ data }) => {
        this.#audit = data;
        this.#showAudit();
      }),
    ];
  }

  async #show<Body>(
    path: string,
    panel: string,
    signal: AbortSignal,
    show: (body: Body) => void,
  ): Promise<ApiResult<Body>> {
    if (this.#hiddenPanels.has(panel)) return { kind: 'refused', status: 0, message: '' };
    const answer = await fetchApi<Body>(path, this.#key, signal);
    // What comes after the sign-out must not be shown to the next person.
    if (signal.aborted) return answer;
    if (answer.kind === 'ok') show(answer.body);
    if (answer.kind === 'refused') {
      this.#hiddenPanels.add(panel);
      const why = answer.status === 404 ? 'This gateway does not tell them yet.' : answer.message;
      if (panel === 'week') this.#hideUsage(why);
      else hidePanel(panel, why);
    }
    return answer;
  }

  #showUsage(usage: UsageAnswer, nowEpochMs: number): void {
    const week = summarizeWeek(usage.data, this.#group, nowEpochMs);
    showWeek(week, this.#group);
    showRefusals(countRefusals(usage, week.days[0] ?? '', dayAt(nowEpochMs)), this.#group === 'team');
  }

  /** With the names of the keys, whichever of both came first. */
  #showAudit(): void {
    if (this.#audit !== undefined) showAudit(this.#audit, this.#keys);
  }

  #hideUsage(why: string): void {
    elementById('week').hidden = true;
    elementById('week-note').textContent = why;
    hidePanel('refusals', why);
  }
}
