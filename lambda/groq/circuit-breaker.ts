/** The failures in a row of a model after which its calls are refused without being sent. */
const FAILURES_TO_OPEN = 20;
/** The first time for which calls are refused, in milliseconds. It doubles with each probe that fails. */
const FIRST_OPEN_MS = 5_000;
const MAX_OPEN_MS = 60_000;
/** The time after which a probe without an outcome no longer keeps others waiting, in milliseconds. */
const PROBE_MS = 30_000;
/** The wait of calls while a probe is under way, in milliseconds. */
const PROBE_RETRY_MS = 1_000;
/** The maximum number of models that are remembered. */
const MAX_MODELS = 200;

type Circuit =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly untilEpochMs: number; readonly openMs: number }
  | { readonly kind: 'probing'; readonly sinceEpochMs: number; readonly openMs: number };

/** A change of a model's breaker that operators see in the log. */
export type BreakerChange = 'breaker_opened' | 'breaker_closed';

/**
 * True for an outcome that says that Groq is down: no answer, or 502, 503, 504 or 52x. A 500 may be due to one prompt, and
 * every other status is about the call, the key or a limit.
 */
export function isOutage(status: number | undefined): boolean {
  return status === undefined || [502, 503, 504].includes(status) || (status >= 520 && status < 530);
}

/**
 * Refuses calls of a model that Groq has failed many times in a row, so that they neither wait nor add to the load. After a
 * time one call at a time is sent as a probe; the first that succeeds lets all pass.
 */
export class CircuitBreaker {
  readonly #circuits = new Map<string, Circuit>();

  /** Admits a call, or returns the milliseconds after which it may be tried again. */
  admit(model: string, nowEpochMs: number): { readonly retryAfterMs: number } | undefined {
    const circuit = this.#circuits.get(model);
    if (circuit === undefined || circuit.kind === 'closed') return undefined;
    if (circuit.kind === 'open' && circuit.untilEpochMs > nowEpochMs)
      return { retryAfterMs: circuit.untilEpochMs - nowEpochMs };
    if (circuit.kind === 'probing' && circuit.sinceEpochMs + PROBE_MS > nowEpochMs)
      return { retryAfterMs: PROBE_RETRY_MS };
    this.#circuits.set(model, { kind: 'probing', sinceEpochMs: nowEpochMs, openMs: circuit.openMs });
    return undefined;
  }

  /** True if a failed call of the model may be sent again. */
  isClosed(model: string): boolean {
    return (this.#circuits.get(model)?.kind ?? 'closed') === 'closed';
  }

  /** Records whether a call found Groq down. Returns the change, if there is one. */
  record(model: string, isDown: boolean, nowEpochMs: number): BreakerChange | undefined {
    const circuit = this.#circuits.get(model) ?? { kind: 'closed', failures: 0 };
    if (!isDown) {
      this.#circuits.delete(model);
      return circuit.kind === 'closed' ? undefined : 'breaker_closed';
    }
    // It failed before the breaker opened, and was only slow to do so.
    if (circuit.kind === 'open') return undefined;
    if (circuit.kind === 'probing') {
      const openMs = Math.min(MAX_OPEN_MS, circuit.openMs * 2);
      this.#circuits.set(model, { kind: 'open', untilEpochMs: nowEpochMs + openMs, openMs });
      return undefined;
    }
    if (this.#circuits.size >= MAX_MODELS && !this.#circuits.has(model)) this.#circuits.clear();
    const failures = circuit.failures + 1;
    if (failures < FAILURES_TO_OPEN) {
      this.#circuits.set(model, { kind: 'closed', failures });
      return undefined;
    }
    this.#circuits.set(model, { kind: 'open', untilEpochMs: nowEpochMs + FIRST_OPEN_MS, openMs: FIRST_OPEN_MS });
    return 'breaker_opened';
  }
}
