import type { Catalog } from '../pricing/catalog.ts';
import type { TeamPolicy } from './environment.ts';

/** What a gateway must know to judge a request. */
export interface PolicySource {
  /** The teams' policies and the catalog, at most 60 s old. */
  policies(): Promise<{ readonly teams: ReadonlyMap<string, TeamPolicy>; readonly catalog: Catalog }>;
}
