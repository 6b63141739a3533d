import type { Identity } from './identity.ts';

/** Where key identities are kept. */
export interface KeyStore {
  /** The identity of a presented key, or undefined for one that is unknown, revoked or expired. */
  identify(presentedKey: string): Promise<Identity | undefined>;
}

/** What keys are called. */
export interface KeyNameReader {
  /** The names of every key that a team has or had, by their ids. */
  listKeyNames(team: string): Promise<ReadonlyMap<string, string>>;
}
