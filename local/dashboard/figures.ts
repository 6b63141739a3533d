import { dayOf } from '../../lambda/kernel/period.ts';
import { type Answer, ask } from './api.ts';
import { byId, clear } from './dom.ts';
import { clearBudgets, showBudgets } from './panels/budgets-panel.ts';
import { showGroqKeys } from './panels/groq-keys-panel.ts';
import { leaveOut, showAudit, showKeys, showRefusals } from './panels/lists-panel.ts';
import { showWeek } from './panels/week-panel.ts';
import { refusalsOf } from './refusals.ts';
import type { AuditEntry, BudgetAnswer, GroqKey, Key, List, UsageAnswer } from './shapes.ts';
import { daysAsked, weekOf } from './week.ts';

/** What changes rarely is asked for at every so many looks. */
const SLOW_EVERY = 5;
const AUDIT_ENTRIES = 12;

/** What one look came to. */
export type Look = 'shown' | 'signed out' | { readonly why: string };

/** Asks the gateway for all that the page shows, as one key, and shows it. What the key may not see is asked for once. */
export class Figures {
  readonly #key: string;
  /** A key of the organisation sees teams; one of a team sees its models. */
  readonly #group: 'team' | 'model';
  readonly #leftOut = new Set<string>();
  #looks = 0;
  #keys: readonly Key[] = [];
  #audit: readonly AuditEntry[] | undefined;
  #isWithEnded = false;

  constructor(key: string, self: Key) {
    this.#key = key;
    this.#group = self.team === null ? 'team' : 'model';
  }

  async look(signal: AbortSignal): Promise<Look> {
    const nowEpochMs = Date.now();
    const { from, to } = daysAsked(nowEpochMs);
    const isSlow = this.#looks % SLOW_EVERY === 0;
    const answers = await Promise.all([
      // Whether the key still stands is asked of the function that remembers nothing.
      ask<Key>('api-keys/me', this.#key, signal),
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
    this.#isWithEnded = !this.#isWithEnded;
    showKeys(this.#keys, this.#isWithEnded, Date.now());
  }

  /** Takes everything off the page, so that nothing is left for whoever comes next. */
  static clear(): void {
    clearBudgets();
    const panels = ['week', 'refusals', 'keys', 'groq-keys', 'audit'];
    for (const id of [...panels.map((panel) => `${panel}-note`), 'week-chart', 'week-series', 'week-table'])
      clear(byId(id));
    for (const panel of panels.slice(1)) clear(byId(panel));
    byId('keys-ended').hidden = true;
  }

  #slow(signal: AbortSignal, nowEpochMs: number): Promise<Answer<unknown>>[] {
    return [
      this.#show<List<Key>>('api-keys', 'keys', signal, ({ data }) => {
        this.#keys = data;
        showKeys(data, this.#isWithEnded, nowEpochMs);
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
  ): Promise<Answer<Body>> {
    if (this.#leftOut.has(panel)) return { kind: 'refused', status: 0, message: '' };
    const answer = await ask<Body>(path, this.#key, signal);
    // What comes after the sign-out must not be shown to the next person.
    if (signal.aborted) return answer;
    if (answer.kind === 'ok') show(answer.body);
    if (answer.kind === 'refused') {
      this.#leftOut.add(panel);
      const why = answer.status === 404 ? 'This gateway does not tell them yet.' : answer.message;
      if (panel === 'week') this.#leaveOutUsage(why);
      else leaveOut(panel, why);
    }
    return answer;
  }

  #showUsage(usage: UsageAnswer, nowEpochMs: number): void {
    const week = weekOf(usage.data, this.#group, nowEpochMs);
    showWeek(week, this.#group);
    showRefusals(refusalsOf(usage, week.days[0] ?? '', dayOf(nowEpochMs)), this.#group === 'team');
  }

  /** With the names of the keys, whichever of both came first. */
  #showAudit(): void {
    if (this.#audit !== undefined) showAudit(this.#audit, this.#keys);
  }

  #leaveOutUsage(why: string): void {
    byId('week').hidden = true;
    byId('week-note').textContent = why;
    leaveOut('refusals', why);
  }
}
