import type { KeyStatus } from '../../lambda/access/key-record.ts';
import type { reportBudget, reportOrganizationBudget } from '../../lambda/ledger/budget-report.ts';

/** A team's budget, as the gateway tells it. */
export type Budget = ReturnType<typeof reportBudget>;
/** All teams' cap together. */
export type OrganizationBudget = ReturnType<typeof reportOrganizationBudget>;
/** `GET /openai/v1/budget`: one team's, or all of them for a key of the organisation. */
export type BudgetAnswer =
  | Budget
  | { readonly object: 'list'; readonly data: readonly Budget[]; readonly organization: OrganizationBudget };

/** One row of `GET /openai/v1/usage?group_by=day,…`. */
export type UsageRow = {
  readonly day: string;
  readonly team?: string;
  readonly model?: string;
  readonly requests: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cost_usd: string;
  /** By code; absent where the gateway does not count them. */
  readonly refusals?: Readonly<Record<string, number>>;
};
/** `GET /openai/v1/usage`. */
export type UsageAnswer = {
  readonly data: readonly UsageRow[];
  readonly total: Omit<UsageRow, 'day'>;
};

/** One key of the gateway's, as `GET /openai/v1/api-keys` tells it. */
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

/** One of the teams' keys at Groq: what is known of it, never the key. */
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

/** One entry of the audit trail. */
export type AuditEntry = {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details: string;
};

/** A list of the API. */
export type List<Item> = { readonly data: readonly Item[] };
