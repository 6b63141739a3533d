import { expect, it } from 'vitest';
import { synthesizeTeams } from '../../bench/team-scale.ts';
import { MAX_PROPERTIES_BYTES } from '../../lib/deployment/policy-publication.ts';
import { buildStack } from '../support/stack/stack.ts';

/** CloudFormation's limits of a template: resources, and bytes in S3 (quotas, read 2026-11-25). */
const MAX_RESOURCES = 500;
const MAX_TEMPLATE_BYTES = 1_000_000;

it('fits 300 teams within the limits of CloudFormation and of its events', async () => {
  const { stacks, parent, team, propertiesBytes } = await synthesizeTeams(300);
  expect(stacks).toBe(301);
  expect(parent.resources).toBeLessThan(MAX_RESOURCES);
  expect(team.resources).toBeLessThan(20);
  expect(parent.bytes).toBeLessThan(MAX_TEMPLATE_BYTES);
  expect(propertiesBytes).toBeLessThan(MAX_PROPERTIES_BYTES);
}, 180_000);

it('refuses policies that exceed the size of an event, and says what to do', () => {
  const purpose = 'x'.repeat(MAX_PROPERTIES_BYTES);
  expect(() => buildStack({ teams: { a: { allowedModels: ['openai/gpt-oss-20b'], purpose } } })).toThrow(
    /the policies and prices are \d+ bytes.*split the environment/,
  );
});
