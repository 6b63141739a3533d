import { describe, expect, it } from 'vitest';
import { chooseModel } from '../../../../lambda/chat/request/choose-model.ts';
import { catalog, policyWith } from '../../../support/catalog.ts';

const RETIRED = 'llama-3.1-8b-instant';
const REPLACEMENT = 'openai/gpt-oss-20b';
const choose = (allowedModels: string[], scope?: string[]) =>
  chooseModel(policyWith({ allowedModels, onRetiredModel: 'replace' }), catalog, RETIRED, {
    keyId: 'k',
    role: 'member',
    team: 'chatbot',
    ...(scope === undefined ? {} : { scope: { models: scope } }),
  });

describe('a retired model that is replaced', () => {
  it.each<[string, string[], string[] | undefined]>([
    ['the team may not use its replacement', [RETIRED, 'openai/gpt-oss-120b'], undefined],
    ['the key may not use its replacement', [RETIRED, REPLACEMENT], [RETIRED]],
    ['neither may use its replacement', [RETIRED], [RETIRED]],
  ])('is refused by both names when %s', (_title, allowedModels, scope) => {
    const refusal = choose(allowedModels, scope);
    expect(refusal).toMatchObject({ reason: 'model_not_allowed' });
    expect(JSON.stringify(refusal)).toContain(`\`${RETIRED}\`, and its replacement \`${REPLACEMENT}\` is not allowed`);
  });

  it('is replaced when both models are allowed', () => {
    expect(choose([RETIRED, REPLACEMENT], [RETIRED, REPLACEMENT])).toMatchObject({
      model: { id: REPLACEMENT },
      replacedModel: RETIRED,
    });
  });
});
