import * as v from 'valibot';
import { ConfigError, configError } from '../kernel/config-error.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { parseModel } from './catalog-entry.ts';
import { catalogFile } from './catalog-schema.ts';
import type { Model } from './model.ts';

export {
  type ChatModel,
  isServedChatModel,
  type Model,
  type TranscriptionModel,
} from './model.ts';

/** All models with a price, by id, and the ids of models that have no bounded price. */
export type Catalog = {
  readonly models: ReadonlyMap<string, Model>;
  /** The reason for each model that cannot be priced; empty where none is given. */
  readonly notPriceable: ReadonlyMap<string, string>;
  /** Service tiers that are billed at the models' prices. */
  readonly pricedServiceTiers: ReadonlySet<string>;
};

/** Explains why a model has no price that a budget could hold; undefined for any other model. */
export function explainUnpriced({ notPriceable }: Catalog, id: string): string | undefined {
  const reason = notPriceable.get(id);
  if (reason === undefined) return undefined;
  return `has no bounded price, so no budget could hold${reason === '' ? '' : ` (${reason})`}`;
}

/**
 * Parses a catalog file. Its prices are in USD per million tokens or characters, or per hour of audio.
 *
 * @throws ConfigError that names the file, the model and the field.
 */
export function parseCatalog(file: string, content: unknown): Catalog {
  const parsed = v.safeParse(catalogFile, content);
  if (!parsed.success) {
    const place = (path: readonly PropertyKey[]) => (path.length === 0 ? '' : `"${path.join('.')}": `);
    throw configError(file, parsed.issues, place, () => Object.keys(catalogFile.entries));
  }
  const { notPriceable, notPriceableReasons, serviceTiers } = parsed.output;
  const models = new Map<string, Model>();
  for (const entry of parsed.output.models) {
    if (models.has(entry.id)) throw new ConfigError(`${file}: model "${entry.id}" is listed twice`);
    models.set(entry.id, parseModel(file, entry));
  }
  checkReplacements(file, models);
  return {
    models,
    notPriceable: new Map(notPriceable.map((id) => [id, notPriceableReasons[id] ?? ''])),
    pricedServiceTiers: new Set(Object.keys(serviceTiers).filter((tier) => serviceTiers[tier] === 1)),
  };
}

function checkReplacements(file: string, models: ReadonlyMap<string, Model>): void {
  for (const model of models.values()) {
    const { replacement } = model;
    if (replacement === undefined || models.get(replacement)?.kind === model.kind) continue;
    const hint = didYouMean(replacement, models.keys());
    throw new ConfigError(
      `${file}: model "${model.id}": replacement "${replacement}" is not a ${model.kind} model of this catalog${hint}`,
    );
  }
}
