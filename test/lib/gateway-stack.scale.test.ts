import { expect, it } from 'vitest';
import { synthesizeTeams } from '../../bench/team-scale.ts';
import { MAX_PROPERTIES_BYTES } from '../../lib/deployment/policy-publication.ts';
import { buildStack } from '../support/stack/stack.ts';

/** CloudFormation's limits a template (quotas, read 2026-11-25): resources, and bytes of one in S3. */
const MAX_RESOURCES = 500;
const MAX_TEMPLATE_BYTES = 1_000_000;

it('fits 300 teams under the limits of CloudFormation and of the event that carries them', async () => {
  const { stacks, parent, team, propertiesBytes } = await synthesizeTeams(300);
  expect(stacks).toBe(301);
  expect(parent.resources).toBeLessThan(MAX_RESOURCES);
  expect(team.resources).toBeLessThan(20);
  expect(parent.bytes).toBeLessThan(MAX_TEMPLATE_BYTES);
  expect(propertiesBytes).toBeLessThan(MAX_PROPERTIES_BYTES);
}, 180_000);

it('refuses a set of policies that no event could carry, at synthesis, and says what to do', () => {
  const purpose = 'x'.repeat(MAX_PROPERTIES_BYTES);
  expect(() => buildStack({ teams: { a: { allowedModels: ['openai/gpt-oss-20b'], purpose } } })).toThrow(
    /the policies and prices are \d+ bytes.*split the environment/,
  );
});
