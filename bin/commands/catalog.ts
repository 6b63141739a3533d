import { groqSecretName } from '../../lambda/contract.ts';
import { GroqKeyApiClient } from '../../lambda/groq-keys/io/groq-key-api-client.ts';
import { groqSecret } from '../../lambda/groq-keys/io/groq-secret.ts';
import { readModelListing } from '../../lambda/groq-keys/watch/read-model-listing.ts';
import { renderTextTable } from '../../lambda/kernel/text-table.ts';
import { CANARY_TEAM } from '../../lambda/policy/canary-team.ts';
import { Registry } from '../../lambda/policy/io/registry.ts';
import { compareCatalog } from '../../lambda/pricing/catalog-diff.ts';
import { CommandError } from '../command-error.ts';
import { type EnvironmentSelector, openStores } from '../stores.ts';

/** Options of `catalog diff`. */
export type CatalogDiffOptions = EnvironmentSelector & { readonly json: boolean };

/**
 * `catalog diff`: compares the published catalog with Groq's own list of models. Returns true if they agree.
 *
 * @throws CommandError if nothing is published, or no team's Groq key gets a list.
 */
export async function diffCatalog(options: CatalogDiffOptions): Promise<boolean> {
  const { environmentName, dynamo, secrets, registryTable, ...stores } = await openStores(options);
  const published = await new Registry(dynamo, registryTable, Date.now).readCurrent();
  if (published === undefined) throw new CommandError(`${environmentName} has no published policies; deploy it first`);
  const { catalog, environment } = published;
  const secretFor = (team: string) => groqSecret(secrets, groqSecretName(team, environmentName), environmentName);
  const lister = new GroqKeyApiClient(stores.groqBaseUrl ?? environment.deployment.groqBaseUrl);
  const teams = [...environment.teams.keys()].filter((team) => team !== CANARY_TEAM);
  const listed = await readModelListing({ secretFor, lister }, teams);
  if (listed === undefined)
    throw new CommandError(
      "Groq lists no models for any team's key; groq-key status --team <team> shows a team's keys",
    );
  const differences = compareCatalog(catalog, listed);
  if (options.json) console.log(JSON.stringify({ environment: environmentName, differences }));
  else if (differences.length === 0) console.log("The catalog agrees with Groq's list of models.");
  else {
    const rows = differences.map(({ model, field, catalog: ours, groq }) => [model, field, ours, groq]);
    console.log(renderTextTable(['model', 'field', 'catalog', 'Groq'], rows));
  }
  return differences.length === 0;
}
