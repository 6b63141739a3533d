import { expect, it } from 'vitest';
import { infrastructureDigest } from '../../../lib/deployment/infrastructure-digest.ts';
import { buildStack } from '../../support/stack/stack.ts';

const digestOf = (environment = {}) => infrastructureDigest(buildStack(environment), []);

it('names the parts of a stack, a team as a whole, and nothing that people did not make', () => {
  const names = Object.keys(digestOf());
  expect(names).toEqual(expect.arrayContaining(['Gateway/Function', 'Ledger/Table', 'Api/Rest', 'Team-chatbot']));
  expect(names.filter((name) => /Metadata|NestedStack|Team-chatbot\//.test(name))).toEqual([]);
});

it('changes for the part that changes, and only for that', () => {
  const team = { allowedModels: ['openai/gpt-oss-20b'], monthlyBudgetUsd: 10, rateLimitRpm: 60 };
  const before = digestOf({ teams: { chatbot: team } });
  const after = digestOf({ teams: { chatbot: { ...team, rateLimitRpm: 600 } } });
  const changed = Object.keys(before).filter((name) => before[name] !== after[name]);
  // The publication carries the policies themselves.
  expect(changed.filter((name) => !/^(Publication|Enforcement)\//.test(name))).toEqual(['Team-chatbot']);
});
