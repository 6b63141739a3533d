import type { Identity } from './identity.ts';

/** Source of key identities. */
export interface KeyStore {
  /** Returns the identity of a presented key, or undefined for one that is unknown, revoked or expired. */
  identify(presentedKey: string): Promise<Identity | undefined>;
}

/** Source of key names. */
export interface KeyNameReader {
  /** Returns the names of all keys that a team has or had, by key id. */
  listKeyNames(team: string): Promise<ReadonlyMap<string, string>>;
}
