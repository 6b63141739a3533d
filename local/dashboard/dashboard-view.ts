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

/** Number of refreshes after which rarely changing data is fetched again. */
const SLOW_POLL_INTERVAL = 5;
const AUDIT_ENTRIES = 12;

/** Outcome of a refresh. */
export type RefreshResult = 'shown' | 'signed out' | { readonly why: string };

/** Fetches everything that the page shows with one key and renders it. A panel that the key may not see is fetched once. */
export class DashboardView {
  readonly #key: string;
  /** An organisation's key groups usage by team, a team's key by model. */
  readonly #group: 'team' | 'model';
  readonly #hiddenPanels = new Set<string>();
  #refreshes = 0;
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
    const isSlow = this.#refreshes % SLOW_POLL_INTERVAL === 0;
    const results = await Promise.all([
      // This endpoint has no cache, so it detects a revoked key at once.
      fetchApi<Key>('api-keys/me', this.#key, signal),
      this.#show<BudgetAnswer>('budget', 'budgets', signal, showBudgets),
      this.#show<UsageAnswer>(`usage?from=${from}&to=${to}&group_by=day,${this.#group}`, 'week', signal, (usage) =>
        this.#showUsage(usage, nowEpochMs),
      ),
      ...(isSlow ? this.#fetchSlowPanels(signal, nowEpochMs) : []),
    ]);
    if (results.some(({ kind }) => kind === 'signed out')) return 'signed out';
    const failed = results.find((result) => result.kind === 'unavailable');
    if (failed !== undefined) return { why: failed.why };
    this.#refreshes++;
    return 'shown';
  }

  /** Shows or hides ended keys. */
  toggleEnded(): void {
    this.#includesEnded = !this.#includesEnded;
    showKeys(this.#keys, this.#includesEnded, Date.now());
  }

  /** Clears the page, so that the next user sees nothing of the last one. */
  static clear(): void {
    clearBudgets();
    const panels = ['week', 'refusals', 'keys', 'groq-keys', 'audit'];
    for (const id of [...panels.map((panel) => `${panel}-note`), 'week-chart', 'week-series', 'week-table'])
      clear(elementById(id));
    for (const panel of panels.slice(1)) clear(elementById(panel));
    elementById('keys-ended').hidden = true;
  }

  #fetchSlowPanels(signal: AbortSignal, nowEpochMs: number): Promise<ApiResult<unknown>>[] {
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
    const result = await fetchApi<Body>(path, this.#key, signal);
    // A response after signing out must not be shown to the next user.
    if (signal.aborted) return result;
    if (result.kind === 'ok') show(result.body);
    if (result.kind === 'refused') {
      this.#hiddenPanels.add(panel);
      const why = result.status === 404 ? 'This gateway does not support this yet.' : result.message;
      if (panel === 'week') this.#hideUsage(why);
      else hidePanel(panel, why);
    }
    return result;
  }

  #showUsage(usage: UsageAnswer, nowEpochMs: number): void {
    const week = summarizeWeek(usage.data, this.#group, nowEpochMs);
    showWeek(week, this.#group);
    showRefusals(countRefusals(usage, week.days[0] ?? '', dayAt(nowEpochMs)), this.#group === 'team');
  }

  /** Shows the audit log with key names, after either of both has arrived. */
  #showAudit(): void {
    if (this.#audit !== undefined) showAudit(this.#audit, this.#keys);
  }

  #hideUsage(why: string): void {
    elementById('week').hidden = true;
    elementById('week-note').textContent = why;
    hidePanel('refusals', why);
  }
}
