import { globSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import {
  App,
  CliCredentialsStackSynthesizer,
  type Environment,
  type IStackSynthesizer,
  Validations,
} from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { ConfigError } from '../lambda/kernel/config-error.ts';
import { addCanaryTeam } from '../lambda/policy/canary-team.ts';
import { GatewayStack } from '../lib/gateway-stack.ts';
import { loadConfiguration } from '../local/configuration.ts';
import { PROJECT_DIR, StartError } from '../local/settings.ts';

/*
 * The CDK app: one stack an environment of config/environments, deployed by `cdk deploy <environment>`. Context:
 *   -c environmentFile=PATH   one environment of a file elsewhere (.ts or .json), instead of config/environments
 *   -c catalogFile=PATH       another catalog
 *   -c endpoint=URL           where the API answers, with {api} and {stage} in it: for an emulator of AWS
 *   -c cliCredentials=true    deploys with the caller's own rights instead of the bootstrap's roles
 */
const CATALOG = join(PROJECT_DIR, 'config/catalog.json');
/** No hyphen: in `groq/<team>-<environment>-gateway`, one environment's secrets must never look like another's. */
const NAME = /^[a-z][a-z0-9]{0,19}$/;

async function main(): Promise<void> {
  const app = new App();
  const context = (name: string): string | undefined => app.node.tryGetContext(name) as string | undefined;
  const catalogFile = resolve(context('catalogFile') ?? CATALOG);
  const given = context('environmentFile');
  const files =
    given === undefined ? globSync('config/environments/*.{ts,json}', { cwd: PROJECT_DIR }).sort() : [resolve(given)];
  for (const file of files) await addEnvironment(app, resolve(PROJECT_DIR, file), catalogFile);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}

async function addEnvironment(app: App, file: string, catalogFile: string): Promise<void> {
  if (!/\.(ts|json)$/.test(file)) throw new StartError(`${file}: an environment is a .ts or a .json file`);
  const environmentName = basename(file).replace(/\.(ts|json)$/, '');
  if (!NAME.test(environmentName)) {
    throw new StartError(
      `${file}: an environment's name is its file's: 1 to 20 lower-case letters and digits, beginning with a letter`,
    );
  }
  // A configuration that cannot be deployed ends here, with one line that says why.
  const configuration = await loadConfiguration(file, catalogFile);
  addCanaryTeam(file, configuration.environmentFile, configuration.catalog);
  const { account = process.env.CDK_DEFAULT_ACCOUNT, region = process.env.CDK_DEFAULT_REGION } =
    configuration.environment.deployment;
  const env: Environment = {
    ...(account === undefined ? {} : { account }),
    ...(region === undefined ? {} : { region }),
  };
  new GatewayStack(app, environmentName, {
    stackName: `groq-gateway-${environmentName}`,
    description: `Groq gateway of the environment ${environmentName}`,
    env,
    terminationProtection: environmentName === 'prod',
    ...(app.node.tryGetContext('cliCredentials') === undefined
      ? {}
      : { synthesizer: new CliCredentialsStackSynthesizer() as IStackSynthesizer }),
    environmentName,
    endpointPattern: app.node.tryGetContext('endpoint') as string | undefined,
    ...configuration,
    catalogFile: configuration.catalogFile as Readonly<Record<string, unknown>>,
  });
}

main().catch((error: unknown) => {
  const isExpected = error instanceof ConfigError || error instanceof StartError;
  console.error(isExpected ? `error: ${error.message}` : error);
  process.exit(1);
});
