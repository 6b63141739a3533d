import type { ListedModel } from '../../pricing/model-listing.ts';
import { readLabelled } from '../../secrets/secret-rotation.ts';
import { VERSION_LABEL } from '../../secrets/secret-versions.ts';
import type { GroqSecret } from '../groq-key-ports.ts';

/** Asks Groq for its list of models. */
export interface ModelLister {
  /** Returns the models that Groq lists for a key; undefined if the answer is a refusal, a fault or no list. */
  listModels(apiKey: string): Promise<readonly ListedModel[] | undefined>;
}

/** Ports of the reading of Groq's list. */
export type ModelListingPorts = {
  readonly secretFor: (team: string) => GroqSecret;
  readonly lister: ModelLister;
};

/** The most teams that are asked: their keys may belong to projects that see different models. */
const MAX_TEAMS = 8;

/**
 * Reads the models that Groq lists for the teams' current keys. A model that any key sees counts as listed. Undefined if no
 * team has an answer, which says nothing about the models.
 */
export async function readModelListing(
  { secretFor, lister }: ModelListingPorts,
  teams: readonly string[],
): Promise<readonly ListedModel[] | undefined> {
  const merged = new Map<string, ListedModel>();
  for (const team of teams.slice(0, MAX_TEAMS)) {
    for (const model of (await readForTeam(secretFor(team), lister)) ?? []) {
      const known = merged.get(model.id);
      merged.set(model.id, { ...model, isActive: model.isActive || known?.isActive === true });
    }
  }
  return merged.size === 0 ? undefined : [...merged.values()];
}

async function readForTeam(secret: GroqSecret, lister: ModelLister): Promise<readonly ListedModel[] | undefined> {
  try {
    const { stages } = await secret.state();
    const key = await readLabelled(secret, stages, VERSION_LABEL.current);
    return key === undefined ? undefined : await lister.listModels(key.apiKey);
  } catch {
    // The watch of keys reports a secret that cannot be read; the other teams' answers are enough here.
    return undefined;
  }
}
