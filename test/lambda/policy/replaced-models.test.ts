import { describe, expect, it } from 'vitest';
import { parseEnvironment, parsePublishedEnvironment } from '../../../lambda/policy/environment.ts';
import { catalog } from '../../support/catalog.ts';

const RETIRED = 'llama-3.1-8b-instant';
const REPLACEMENT = 'openai/gpt-oss-20b';
const environmentWith = (team: object) => ({ teams: { chatbot: { onRetiredModel: 'replace', ...team } } });

describe('a team that has retired models replaced', () => {
  it('needs each replacement among its models', () => {
    const parse = () => parseEnvironment('dev.json', environmentWith({ allowedModels: [RETIRED] }), catalog);
    expect(parse).toThrow(
      `dev.json: team "chatbot": "allowedModels": "${RETIRED}" is retired and replaced by "${REPLACEMENT}", which is not allowed; add "${REPLACEMENT}" or remove "${RETIRED}"`,
    );
  });

  it.each([
    ['both models are allowed', { allowedModels: [RETIRED, REPLACEMENT] }],
    ['retired models are refused', { allowedModels: [RETIRED], onRetiredModel: 'refuse' }],
    ['no model is retired', { allowedModels: [REPLACEMENT] }],
  ])('is accepted when %s', (_title, team) => {
    expect(parseEnvironment('dev.json', environmentWith(team), catalog).teams.size).toBe(1);
  });

  it('is still read where it was published before, so that a gateway goes on serving', () => {
    const published = environmentWith({ allowedModels: [RETIRED] });
    expect(parsePublishedEnvironment(published, catalog).teams.size).toBe(1);
  });
});
