import { toEmfLine } from '../telemetry/emf-record.ts';
import { DIMENSION, METRIC } from '../telemetry/metrics.ts';
import type { RateLimitLevel, RateLimitObserver, RateLimitReading } from './rate-limit-reading.ts';

/** The interval at which a process writes a model's headroom, in milliseconds: graphs have no finer resolution. */
const REPORT_INTERVAL_MS = 60_000;
/** The maximum number of models that are remembered. */
const MAX_MODELS = 200;

/** Writes the free share of each model's requests and tokens as metrics, and passes every reading on. */
export class HeadroomMetrics implements RateLimitObserver {
  readonly #next: RateLimitObserver;
  readonly #environmentName: string;
  readonly #write: (line: string) => void;
  readonly #lastReportedAtEpochMs = new Map<string, number>();

  constructor(next: RateLimitObserver, environmentName: string, write: (line: string) => void) {
    this.#next = next;
    this.#environmentName = environmentName;
    this.#write = write;
  }

  observe(model: string, reading: RateLimitReading, nowEpochMs: number): void {
    this.#next.observe(model, reading, nowEpochMs);
    const { requests, tokens } = reading;
    const lastEpochMs = this.#lastReportedAtEpochMs.get(model);
    if (
      (requests ?? tokens) === undefined ||
      nowEpochMs - (lastEpochMs ?? Number.NEGATIVE_INFINITY) < REPORT_INTERVAL_MS
    )
      return;
    if (this.#lastReportedAtEpochMs.size >= MAX_MODELS) this.#lastReportedAtEpochMs.clear();
    this.#lastReportedAtEpochMs.set(model, nowEpochMs);
    const free = {
      ...(requests === undefined ? {} : { [METRIC.groqRequestsFreePercent]: toFreePercent(requests) }),
      ...(tokens === undefined ? {} : { [METRIC.groqTokensFreePercent]: toFreePercent(tokens) }),
    };
    const metrics = Object.fromEntries(Object.keys(free).map((name) => [name, 'Percent' as const]));
    this.#write(
      toEmfLine({
        timestampEpochMs: nowEpochMs,
        groups: [{ by: [DIMENSION.environment, DIMENSION.model], metrics }],
        values: {
          event: 'groq_headroom',
          [DIMENSION.environment]: this.#environmentName,
          [DIMENSION.model]: model,
          ...free,
        },
      }),
    );
  }
}

function toFreePercent({ remaining, perWindow }: RateLimitLevel): number {
  return Math.floor((remaining * 10_000) / perWindow) / 100;
}
