import { expect, it } from 'vitest';
import { infrastructureDigest } from '../../../lib/deployment/infrastructure-digest.ts';
import { buildStack } from '../../support/stack/stack.ts';

const digest = (environment = {}) => infrastructureDigest(buildStack(environment), []);

it('names the constructs of a stack and each team as a whole, and no metadata', () => {
  const names = Object.keys(digest());
  expect(names).toEqual(expect.arrayContaining(['Gateway/Function', 'Ledger/Table', 'Api/Rest', 'Team-chatbot']));
  expect(names.filter((name) => /Metadata|NestedStack|Team-chatbot\//.test(name))).toEqual([]);
});

it('changes only for the construct that changes', () => {
  const team = { allowedModels: ['openai/gpt-oss-20b'], monthlyBudgetUsd: 10, rateLimitRpm: 60 };
  const before = digest({ teams: { chatbot: team } });
  const after = digest({ teams: { chatbot: { ...team, rateLimitRpm: 600 } } });
  const changed = Object.keys(before).filter((name) => before[name] !== after[name]);
  // The publication carries the policies themselves.
  expect(changed.filter((name) => !/^(Publication|Enforcement)\//.test(name))).toEqual(['Team-chatbot']);
});
