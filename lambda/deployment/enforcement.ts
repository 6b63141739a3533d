/** What a canary's call came to. */
export type CanaryResponse = { readonly status: number; readonly code: string };

/** Whether a deployment enforces: it does, it does not, or it is not ready to be judged. */
export type EnforcementCheck =
  | { readonly verdict: 'enforced' }
  | { readonly verdict: 'not_ready' | 'broken'; readonly why: string };

/** Judges the answer to a call with a key that nobody has: it must be refused as unknown. */
export function judgeUnknownKey({ status, code }: CanaryResponse): EnforcementCheck {
  if (status === 401 && code === 'invalid_api_key') return { verdict: 'enforced' };
  return isUnready(status)
    ? { verdict: 'not_ready', why: `an unknown key got ${status}` }
    : { verdict: 'broken', why: `an unknown key got ${status} ${code} instead of 401 invalid_api_key` };
}

/** Judges the answer to a call of the team that may spend nothing: it must be refused for its budget. */
export function judgeCanary({ status, code }: CanaryResponse): EnforcementCheck {
  if (status === 402 && code === 'team_budget_exceeded') return { verdict: 'enforced' };
  // Past the budget it ends at the missing Groq key: nothing was spent, and nothing was enforced.
  const wasAdmitted = status < 400 || code.startsWith('groq_');
  if (!wasAdmitted && isUnready(status)) return { verdict: 'not_ready', why: `the $0 team got ${status} ${code}` };
  return { verdict: 'broken', why: `the $0 team got ${status} ${code} instead of 402 team_budget_exceeded` };
}

/** API Gateway needs some seconds for a new stage, key or function; it answers these until then. */
function isUnready(status: number): boolean {
  return status === 403 || status === 404 || status === 429 || status >= 500;
}
