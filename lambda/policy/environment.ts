import * as v from 'valibot';
import { ConfigError, configError } from '../kernel/config-error.ts';
import { pickKnownFields } from '../kernel/json/known-fields.ts';
import { type PicoUsd, picoUsdFromNumber } from '../kernel/money.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { type Catalog, explainUnpriced } from '../pricing/catalog.ts';
import { type DeploymentSettings, deploymentSchema } from './deployment-settings.ts';
import { organizationSchema, teamSchema } from './environment-schema.ts';
import { checkReplacedModels } from './replaced-models.ts';

const environmentSchema = v.strictObject(
  {
    organization: v.optional(organizationSchema, {}),
    deployment: v.optional(deploymentSchema, {}),
    teams: v.record(v.string(), v.unknown(), 'must be an object of teams by name'),
  },
  'must be an object',
);

type TeamFile = v.InferInput<typeof teamSchema>;

/** The content of an environment file: a `.ts` file's default export, or a `.json` file. Dollars are numbers. */
export type EnvironmentFile = {
  readonly organization?: v.InferInput<typeof organizationSchema>;
  readonly deployment?: v.InferInput<typeof deploymentSchema>;
  readonly teams: { readonly [team: string]: TeamFile };
};

/** A team's limits and permissions. */
export type TeamPolicy = Omit<v.InferOutput<typeof teamSchema>, 'monthlyBudgetUsd'> & {
  readonly team: string;
  readonly monthlyBudgetPicoUsd: PicoUsd;
  /** The monthly cap of all teams together; see organization-ledger.ts. */
  readonly organizationCapPicoUsd: PicoUsd;
  /** The environment's `deployment.passFields`, if it has any. */
  readonly passFields?: ReadonlySet<string> | undefined;
};

/** The caps and alerts of all teams together. */
export type Organization = v.InferOutput<typeof organizationSchema>;

/** The organisation, settings and teams of one deployment. */
export type Environment = {
  readonly organization: Organization;
  readonly deployment: DeploymentSettings;
  readonly teams: ReadonlyMap<string, TeamPolicy>;
};

/**
 * Parses an environment.
 *
 * @throws ConfigError that names the file, the team, the field and the nearest known word.
 */
export function parseEnvironment(file: string, content: unknown, catalog: Catalog): Environment {
  const environment = parseAnyEnvironment(file, content, catalog);
  for (const policy of environment.teams.values()) checkReplacedModels(file, policy, catalog);
  return environment;
}

/** Parses an environment file, without the checks that an environment published earlier may fail. */
function parseAnyEnvironment(file: string, content: unknown, catalog: Catalog): Environment {
  const parsed = v.safeParse(environmentSchema, content);
  if (!parsed.success) {
    const place = (path: readonly PropertyKey[]) => (path.length === 0 ? '' : `"${path.join('.')}": `);
    throw configError(file, parsed.issues, place, fieldsAt);
  }
  // The parser drops names that every JavaScript object has, such as "constructor"; no team may be dropped silently.
  const reserved = Object.keys((content as EnvironmentFile).teams).find(
    (team) => !Object.hasOwn(parsed.output.teams, team),
  );
  if (reserved !== undefined) throw new ConfigError(`${file}: team "${reserved}": the name is reserved`);
  const { organization, deployment } = parsed.output;
  if (deployment.privateEndpoint !== undefined && deployment.customDomain !== undefined) {
    throw new ConfigError(
      `${file}: "deployment": customDomain and privateEndpoint exclude each other; give a private endpoint its name in your VPC's DNS`,
    );
  }
  const unreachable = organization.alertsUsd.find((usd) => usd > organization.monthlyCapUsd);
  if (unreachable !== undefined) {
    throw new ConfigError(
      `${file}: "organization.alertsUsd": an alert at $${unreachable} can never trigger: monthlyCapUsd is $${organization.monthlyCapUsd}`,
    );
  }
  const teams = new Map<string, TeamPolicy>();
  for (const [team, policy] of Object.entries(parsed.output.teams)) {
    teams.set(team, parseTeam(file, team, policy, parsed.output, catalog));
  }
  if (teams.size === 0) throw new ConfigError(`${file}: "teams" is empty: name at least one team`);
  return { organization, deployment, teams };
}

/** Parses an environment that an earlier or later version may have published; ignores fields that this one does not know. */
export function parsePublishedEnvironment(
  content: { readonly teams: Readonly<Record<string, unknown>> },
  catalog: Catalog,
): Environment {
  const { teams, ...rest } = content;
  const known = Object.entries(teams).map(([team, policy]) => [team, pickKnownFields(teamSchema, policy)]);
  const environment = { ...(pickKnownFields(environmentSchema, rest) as object), teams: Object.fromEntries(known) };
  return parseAnyEnvironment('registry', environment, catalog);
}

/** Lists the field names at a path of an environment file. */
function fieldsAt(path: readonly PropertyKey[]): readonly string[] {
  const { organization, deployment } = environmentSchema.entries;
  if (path.length === 0) return Object.keys(environmentSchema.entries);
  if (path[0] === 'organization') return Object.keys(organization.wrapped.entries);
  const { entries } = deployment.wrapped;
  if (path[2] === 'hostedZone') return Object.keys(entries.customDomain.wrapped.entries.hostedZone.wrapped.entries);
  const block = path[1] === undefined ? undefined : entries[path[1] as keyof typeof entries];
  return Object.keys(
    block !== undefined && 'wrapped' in block && 'entries' in block.wrapped ? block.wrapped.entries : entries,
  );
}

/**
 * Parses one team's policy.
 *
 * @throws ConfigError that names the file, the team, the field and the nearest known word.
 */
export function parseTeam(
  file: string,
  team: string,
  content: unknown,
  {
    organization,
    deployment,
  }: {
    readonly organization: Organization;
    readonly deployment: Pick<DeploymentSettings, 'passFields'>;
  },
  catalog: Catalog,
): TeamPolicy {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(team)) {
    throw new ConfigError(
      `${file}: team "${team}": a name is 1 to 32 lower-case letters, digits and hyphens, and starts with a letter`,
    );
  }
  const parsed = v.safeParse(teamSchema, content);
  if (!parsed.success) {
    const place = (path: readonly PropertyKey[]) =>
      `team "${team}": ${path.length === 0 ? '' : `"${path.join('.')}" `}`;
    throw configError(file, parsed.issues, place, () => Object.keys(teamSchema.entries));
  }
  const { monthlyBudgetUsd, ...policy } = parsed.output;
  for (const model of policy.allowedModels) {
    if (catalog.models.has(model)) continue;
    const hint = didYouMean(model, catalog.models.keys());
    const why = explainUnpriced(catalog, model) ?? `is not in the catalog, so it has no price${hint}`;
    throw new ConfigError(`${file}: team "${team}": "allowedModels": "${model}" ${why}`);
  }
  const { monthlyCapUsd } = organization;
  return {
    ...policy,
    team,
    monthlyBudgetPicoUsd: picoUsdFromNumber(monthlyBudgetUsd ?? monthlyCapUsd),
    organizationCapPicoUsd: picoUsdFromNumber(monthlyCapUsd),
    passFields: deployment.passFields.length === 0 ? undefined : new Set(deployment.passFields),
  };
}
