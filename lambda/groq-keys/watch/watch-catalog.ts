import { CANARY_TEAM } from '../../policy/canary-team.ts';
import type { Catalog } from '../../pricing/catalog.ts';
import { type CatalogDifference, compareCatalog, differenceId } from '../../pricing/catalog-diff.ts';
import { type ModelListingPorts, readModelListing } from './read-model-listing.ts';

/** Notifies operators and event rules of differences that no earlier run has reported. */
export interface CatalogNotifier {
  notifyDifferences(differences: readonly CatalogDifference[], atEpochMs: number): Promise<void>;
}

/** The ids of the differences that were reported and still hold. */
export interface ReportedDifferences {
  read(): Promise<readonly string[]>;
  replace(ids: readonly string[]): Promise<void>;
}

/** Ports of the watch over the catalog. */
export type CatalogWatchPorts = ModelListingPorts & {
  readonly catalog: () => Promise<Catalog | undefined>;
  readonly teams: () => Promise<Iterable<string>>;
  readonly reported: ReportedDifferences;
  readonly notifier: CatalogNotifier;
  readonly nowEpochMs: number;
};

/**
 * Compares the catalog in force with Groq's own list of models, and reports each difference once; one that has gone is
 * reported again if it comes back. Returns undefined if Groq gave no list: then nothing is known, and nothing changes.
 */
export async function watchCatalog(ports: CatalogWatchPorts): Promise<readonly CatalogDifference[] | undefined> {
  const catalog = await ports.catalog();
  if (catalog === undefined) return undefined;
  const teams = [...(await ports.teams())].filter((team) => team !== CANARY_TEAM);
  const listed = await readModelListing(ports, teams);
  if (listed === undefined) return undefined;
  const differences = compareCatalog(catalog, listed);
  const reported = new Set(await ports.reported.read());
  const fresh = differences.filter((difference) => !reported.has(differenceId(difference)));
  // Before it is recorded: a failure between the two repeats the notification, and loses none.
  if (fresh.length > 0) await ports.notifier.notifyDifferences(fresh, ports.nowEpochMs);
  if (fresh.length > 0 || differences.length !== reported.size)
    await ports.reported.replace(differences.map(differenceId));
  return differences;
}
