import { metricLine } from '../telemetry/metric-line.ts';
import { DIMENSION, METRIC } from '../telemetry/metrics.ts';
import type { LimitSighting, LimitWatch, SeenLimit } from './limit-watch.ts';

/** How often a process tells a model's headroom, in milliseconds: graphs are no finer. */
const TELL_EVERY_MS = 60_000;
/** How many models are remembered. */
const MAX_MODELS = 200;

/** Passes on what Groq tells of its limits, and writes it as metrics: what is free of a model's requests and tokens. */
export class HeadroomMetrics implements LimitWatch {
  readonly #next: LimitWatch;
  readonly #environmentName: string;
  readonly #write: (line: string) => void;
  readonly #toldAtEpochMs = new Map<string, number>();

  constructor(next: LimitWatch, environmentName: string, write: (line: string) => void) {
    this.#next = next;
    this.#environmentName = environmentName;
    this.#write = write;
  }

  note(model: string, sighting: LimitSighting, nowEpochMs: number): void {
    this.#next.note(model, sighting, nowEpochMs);
    const { requests, tokens } = sighting;
    const lastEpochMs = this.#toldAtEpochMs.get(model);
    if ((requests ?? tokens) === undefined || nowEpochMs - (lastEpochMs ?? Number.NEGATIVE_INFINITY) < TELL_EVERY_MS)
      return;
    if (this.#toldAtEpochMs.size >= MAX_MODELS) this.#toldAtEpochMs.clear();
    this.#toldAtEpochMs.set(model, nowEpochMs);
    const free = {
      ...(requests === undefined ? {} : { [METRIC.groqRequestsFreePercent]: freePercentOf(requests) }),
      ...(tokens === undefined ? {} : { [METRIC.groqTokensFreePercent]: freePercentOf(tokens) }),
    };
    const metrics = Object.fromEntries(Object.keys(free).map((name) => [name, 'Percent' as const]));
    this.#write(
      metricLine({
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

function freePercentOf({ remaining, perWindow }: SeenLimit): number {
  return Math.floor((remaining * 10_000) / perWindow) / 100;
}
