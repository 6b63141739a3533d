/** Result of a canary's call: its HTTP status and error code. */
export type CanaryResponse = { readonly status: number; readonly code: string };

/** Verdict about a deployment: it enforces budgets, it does not, or it is not ready yet. */
export type EnforcementCheck =
  | { readonly verdict: 'enforced' }
  | { readonly verdict: 'not_ready' | 'broken'; readonly why: string };

/** Judges the response to an unknown key, which must be refused. */
export function judgeUnknownKey({ status, code }: CanaryResponse): EnforcementCheck {
  if (status === 401 && code === 'invalid_api_key') return { verdict: 'enforced' };
  return isUnready(status)
    ? { verdict: 'not_ready', why: `an unknown key got ${status}` }
    : { verdict: 'broken', why: `an unknown key got ${status} ${code} instead of 401 invalid_api_key` };
}

/** Judges the response to a call on a budget of $0, which must be refused for the budget. */
export function judgeCanary({ status, code }: CanaryResponse): EnforcementCheck {
  if (status === 402 && code === 'team_budget_exceeded') return { verdict: 'enforced' };
  // A call that passes the budget check fails at the canary's missing Groq key.
  const wasAdmitted = status < 400 || code.startsWith('groq_');
  if (!wasAdmitted && isUnready(status)) return { verdict: 'not_ready', why: `the $0 team got ${status} ${code}` };
  return { verdict: 'broken', why: `the $0 team got ${status} ${code} instead of 402 team_budget_exceeded` };
}

/** API Gateway returns these statuses for some seconds until a new stage, key or function works. */
function isUnready(status: number): boolean {
  return status === 403 || status === 404 || status === 429 || status >= 500;
}
