import { expect, it } from 'vitest';
import { renderRotationReport } from '../../../lambda/groq-keys/rotation-report.ts';

const START_MS = Date.parse('2026-11-25T13:00:00Z');
const key = {
  team: 'chatbot',
  keyId: 'aaaaaaaaaaaa',
  name: 'next',
  currentFromEpochMs: START_MS,
  probes: 0,
  probesRefused: 0,
};
const old = {
  team: 'chatbot',
  keyId: 'bbbbbbbbbbbb',
  name: 'former',
  replacedAtEpochMs: START_MS,
  probes: 0,
  probesRefused: 0,
};
const render = (more: object) =>
  renderRotationReport({
    ...{ environmentName: 'test', key, old: { ...old, ...more }, rows: [] },
    ...{ fromEpochMs: START_MS, nowEpochMs: START_MS + 1_000 },
  });

it('mentions the canary and the overlap while the previous key is valid', () => {
  expect(render({})).toContain('within a minute, a share of calls first');
  expect(render({})).toContain('the overlap ends: former is retired');
});

it('mentions neither once the previous key is revoked, and no overlap once it is deleted at Groq', () => {
  const revoked = render({ revokedAtEpochMs: START_MS });
  expect(revoked).toContain('within a minute |');
  expect(revoked).not.toContain('the overlap ends');
  expect(render({ deletedAtEpochMs: START_MS + 500 })).not.toContain('the overlap ends');
});
