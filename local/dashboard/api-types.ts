import type { KeyStatus } from '../../lambda/access/key-record.ts';
import type { reportBudget, reportOrganizationBudget } from '../../lambda/ledger/budget-report.ts';

/** A team's budget as the gateway returns it. */
export type Budget = ReturnType<typeof reportBudget>;
/** The organisation's cap and spending. */
export type OrganizationBudget = ReturnType<typeof reportOrganizationBudget>;
/** Response of `GET /openai/v1/budget`: one team's budget, or all of them for an organisation's key. */
export type BudgetAnswer =
  | Budget
  | { readonly object: 'list'; readonly data: readonly Budget[]; readonly organization: OrganizationBudget };

/** A row of `GET /openai/v1/usage?group_by=day,…`. */
export type UsageRow = {
  readonly day: string;
  readonly team?: string;
  readonly model?: string;
  readonly requests: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cost_usd: string;
  /** Counts by code; absent if the gateway does not count refusals. */
  readonly refusals?: Readonly<Record<string, number>>;
};
/** Response of `GET /openai/v1/usage`. */
export type UsageAnswer = {
  readonly data: readonly UsageRow[];
  readonly total: Omit<UsageRow, 'day'>;
};

/** A team key in `GET /openai/v1/api-keys`. */
export type Key = {
  readonly id: string;
  readonly name: string;
  readonly team: string | null;
  readonly role: string;
  readonly status: KeyStatus;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly retires_after: string | null;
  readonly last_used_on?: string | null;
  readonly requests_this_month?: number;
  readonly cost_this_month_usd?: string;
};

/** Metadata of a team's Groq key, without the key itself. */
export type GroqKey = {
  readonly team: string;
  readonly key_id: string;
  readonly name: string | null;
  readonly state: string;
  readonly created_at: string | null;
  readonly current_from: string | null;
  readonly staged_at: string | null;
  readonly requests_24h: number | null;
};

/** An entry of the audit log. */
export type AuditEntry = {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details: string;
};

/** A list response of the API. */
export type List<Item> = { readonly data: readonly Item[] };
