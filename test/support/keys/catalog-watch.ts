import type { CatalogDifference } from '../../../lambda/pricing/catalog-diff.ts';
import type { ListedModel } from '../../../lambda/pricing/model-listing.ts';
import { parseModelListing } from '../../../lambda/pricing/model-listing.ts';
import { buildModelList } from '../../../local/fake-groq/model-list.ts';
import { catalog, catalogContent } from '../catalog.ts';

/** In-memory ports of the watch over the catalog: what Groq lists, and what has been notified and recorded. */
export class CatalogWatchRig {
  listed: readonly ListedModel[] | undefined = parseModelListing(buildModelList(catalogContent()));
  ids: readonly string[] = [];
  readonly notified: CatalogDifference[][] = [];
  readonly ports = {
    catalog: async () => catalog,
    lister: { listModels: async () => this.listed },
    reported: {
      read: async () => this.ids,
      replace: async (ids: readonly string[]) => {
        this.ids = ids;
      },
    },
  };
  readonly notifyDifferences = async (differences: readonly CatalogDifference[]): Promise<void> => {
    this.notified.push([...differences]);
  };

  /** Changes a field of a listed model. */
  change(id: string, fields: Partial<ListedModel>): void {
    this.listed = this.listed?.map((model) => (model.id === id ? { ...model, ...fields } : model));
  }
}
