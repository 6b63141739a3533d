import { expect, it } from 'vitest';
import { HeadroomMetrics } from '../../../lambda/groq/headroom-metrics.ts';
import type { RateLimitReading } from '../../../lambda/groq/rate-limit-reading.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

const observed: RateLimitReading[] = [];
const lines: Record<string, unknown>[] = [];
const metrics = new HeadroomMetrics({ observe: (_model, reading) => observed.push(reading) }, 'test', (line) =>
  lines.push(JSON.parse(line)),
);
const reading: RateLimitReading = {
  requests: { perWindow: 14_400, remaining: 3_600 },
  tokens: { perWindow: 6_000, remaining: 1 },
};

it('passes on every reading, and writes the free share of each model once a minute', () => {
  metrics.observe('m', { isServed: true }, START_MS);
  for (const ms of [0, 1, 59_999, 60_000]) metrics.observe('m', reading, START_MS + ms);
  metrics.observe('other', { tokens: { perWindow: 10, remaining: 10 } }, START_MS + 60_001);
  expect(observed).toHaveLength(6);
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatchObject({
    _aws: { Timestamp: START_MS, CloudWatchMetrics: [{ Dimensions: [['Environment', 'Model']] }] },
    ...{ Environment: 'test', Model: 'm', GroqRequestsFreePercent: 25, GroqTokensFreePercent: 0.01 },
  });
  expect(lines[2]).toMatchObject({ Model: 'other', GroqTokensFreePercent: 100 });
  expect(lines[2]).not.toHaveProperty('GroqRequestsFreePercent');
});
