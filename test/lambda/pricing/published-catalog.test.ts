import { describe, expect, it } from 'vitest';
import { explainUnpriced } from '../../../lambda/pricing/catalog.ts';
import { omitNotes, parsePublishedCatalog, toPublishedCatalog } from '../../../lambda/pricing/published-catalog.ts';
import { catalog, catalogContent } from '../../support/catalog.ts';

const entry = { id: 'lab/small', status: 'production', input: 1, output: 2, contextWindow: 1_000 };
const speech = {
  id: 'lab/voice',
  kind: 'speech',
  status: 'preview',
  perMillionCharactersUsd: 22,
  maxInputCharacters: 200,
};

describe('a published catalog', () => {
  it('is read as it was written', () => {
    const published = JSON.parse(JSON.stringify(toPublishedCatalog(catalogContent())));
    expect(parsePublishedCatalog(published)).toEqual(catalog);
  });

  it('of an earlier version is read with the dearer rules', () => {
    const { cachedInput: _none, ...model } = { ...entry, cachedInput: 0.5 };
    const read = parsePublishedCatalog({ models: [model], notPriceable: ['groq/compound'], notPriceableWhy: 'tools' });
    expect(read.models.get('lab/small')).toMatchObject({ textBound: 'bytesAfterNfc', vision: false });
    expect(explainUnpriced(read, 'groq/compound')).toBe('has no bounded price, so no budget could hold');
    expect([...read.pricedServiceTiers]).toEqual(['on_demand', 'flex', 'auto']);
  });

  it('is read alike without the notes that a deployment leaves out', () => {
    const deployed = omitNotes(catalogContent());
    expect(parsePublishedCatalog(toPublishedCatalog(deployed))).toEqual(catalog);
    expect(JSON.stringify(deployed).length).toBeLessThan(JSON.stringify(catalogContent()).length * 0.6);
  });

  it('shows earlier versions only the kinds of models that they know', () => {
    const { models } = toPublishedCatalog({ models: [entry, speech] }) as { models: object[] };
    expect(models).toEqual([entry]);
  });

  it('of a later version is read without its new kinds and fields', () => {
    const later = {
      models: [
        { ...entry, moods: ['calm'] },
        { id: 'lab/video', kind: 'video', perFrameUsd: 1 },
      ],
      modelsOfNewerKinds: [speech, { id: 'lab/smell', kind: 'smell' }],
      toolPrices: [{ tool: 'x', perMoonUsd: 1 }],
    };
    expect([...parsePublishedCatalog(later).models.keys()]).toEqual(['lab/small', 'lab/voice']);
  });
});
