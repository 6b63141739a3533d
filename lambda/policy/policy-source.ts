import type { Catalog } from '../pricing/catalog.ts';
import type { TeamPolicy } from './environment.ts';

/** The source of the policies and prices that decide on a request. */
export interface PolicySource {
  /** Returns the teams' policies and the catalog, at most 60 s old. */
  policies(): Promise<{ readonly teams: ReadonlyMap<string, TeamPolicy>; readonly catalog: Catalog }>;
}
