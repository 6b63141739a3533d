import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct, IConstruct } from 'constructs';
import { CANARY_KEY_PREFIX, groqSecretName } from '../lambda/contract.ts';
import { CANARY_TEAM } from '../lambda/policy/canary-team.ts';
import type { Environment, EnvironmentFile } from '../lambda/policy/environment.ts';
import { DEPLOYMENT_TIMEOUT } from './background-functions.ts';
import { EnforcementCanary } from './deployment/enforcement-canary.ts';
import { PolicyPublication } from './deployment/policy-publication.ts';
import { GatewayEndpoint } from './gateway-endpoint.ts';
import { GatewayFunctions } from './gateway-functions.ts';
import { GatewayJobs } from './gateway-jobs.ts';
import { addMonitoring } from './gateway-monitoring.ts';
import { GatewayTable, type GatewayTables } from './gateway-table.ts';
import { TeamSecrets } from './keys/team-secrets.ts';
import { TeamStack } from './team-stack.ts';
import { ReportsBucket } from './usage/reports-bucket.ts';
import { UsageProjection } from './usage/usage-projection.ts';

/** Props of the stack. */
export type GatewayStackProps = StackProps & {
  readonly environmentName: string;
  /** The parsed environment, and the file it came from. */
  readonly environment: Environment;
  readonly environmentFile: EnvironmentFile;
  readonly catalogFile: Readonly<Record<string, unknown>>;
  /** Pattern of the API's URL, with {api} and {stage} in it. @default API Gateway's own URL */
  readonly endpointPattern?: string | undefined;
};

/** One environment of the gateway. Environments share no resources. */
export class GatewayStack extends Stack {
  readonly #props: GatewayStackProps;
  readonly #tables: GatewayTables;
  readonly #functions: GatewayFunctions;

  constructor(scope: Construct, id: string, props: GatewayStackProps) {
    super(scope, id, props);
    this.#props = props;
    const { environmentName, environment, endpointPattern } = props;
    const settings = environment.deployment;
    const retain = settings.retainData;
    const tables: GatewayTables = {
      ledger: new GatewayTable(this, 'Ledger', { stream: true, retain }),
      registry: new GatewayTable(this, 'Registry', { retain }),
      usage: new GatewayTable(this, 'Usage', { retain }),
    };
    this.#tables = tables;
    const reports = new ReportsBucket(this, 'Reports', { retain });
    const groqSecrets = new TeamSecrets(this, {
      pattern: groqSecretName('*', environmentName),
      kmsKeyArn: settings.secretsKmsKeyArn,
    });
    const functions = new GatewayFunctions(this, { environmentName, settings, tables, groqSecrets });
    this.#functions = functions;
    const jobs = new GatewayJobs(this, { environmentName, environment, functions, tables, groqSecrets, reports });
    const { deadLetters } = new UsageProjection(this, 'UsageProjection', { ...tables, projector: functions.projector });
    const endpoint = new GatewayEndpoint(this, { environmentName, settings, functions, endpointPattern });
    const { api } = endpoint;
    const topic = addMonitoring(this, { environmentName, environment, functions, jobs, tables, api, deadLetters });
    this.#addTeams(endpoint, jobs, topic);
    const publication = this.#publish(endpoint.stageUrl);

    this.#output('Endpoint', endpoint.clientUrl, 'Base URL for groq-sdk; for openai, append /openai/v1');
    this.#output('LedgerTable', tables.ledger.table.tableName, 'Budgets, spending and reservations');
    this.#output('RegistryTable', tables.registry.table.tableName, 'Policies, keys and the audit trail');
    this.#output('UsageTable', tables.usage.table.tableName, 'Usage by day, team, key and model');
    this.#output('ReportsBucket', reports.bucket.bucketName, 'Weekly reports, by week');
    const renderer = jobs.widgetRenderer.function.functionArn;
    this.#output('UsageWidget', renderer, 'Function for custom dashboard widgets: the weekly table');
    const rotation = jobs.groqKeyRotation.function.functionArn;
    this.#output('GroqKeyRotation', rotation, 'Rotates Groq keys: groq-rbac groq-key rotate');
    this.#output('Changes', publication.summary, 'Changes of this deployment, and why they matter');
  }

  #addTeams({ api, stage }: GatewayEndpoint, { teamKeyRotation: rotation }: GatewayJobs, operatorsTopic: ITopic): void {
    const { environmentName, environment } = this.#props;
    const { deployment: settings, organization } = environment;
    const { publisher } = this.#functions;
    const alarmPercents = settings.teamAlarms ? organization.alertsPercent : [];
    const shared = { environmentName, settings, api, stage, publisher, rotation, alarmPercents, operatorsTopic };
    for (const policy of environment.teams.values()) new TeamStack(this, `Team-${policy.team}`, { ...shared, policy });
  }

  /** Publishes policies and prices, and then checks that the deployment enforces them. */
  #publish(stageUrl: string): PolicyPublication {
    const { environment, environmentFile, catalogFile } = this.#props;
    const { publisher } = this.#functions;
    const publicationProps = { publisher, environment: environmentFile, catalog: catalogFile };
    // Assigned below: the canary is created after the publication, which reads the list at synthesis.
    const excluded: IConstruct[] = [];
    const publication = new PolicyPublication(this, 'Publication', publicationProps, () => excluded);
    // The canary calls the stage's own URL, because a custom domain may get its DNS record after the deployment. It cannot
    // reach a private endpoint; `groq-rbac verify`, run inside the VPC, can.
    if (environment.deployment.privateEndpoint === undefined) excluded.push(this.#addCanary(stageUrl));
    return publication;
  }

  #addCanary(url: string): EnforcementCanary {
    const description = 'Checks that a deployment enforces budgets';
    const canary = this.#functions.add('Canary', 'canary', description, DEPLOYMENT_TIMEOUT, true);
    const { registry } = this.#tables;
    registry.grantItems(canary, ['GetItem', 'Query'], ['POLICIES*', `TEAM#${CANARY_TEAM}`]);
    registry.grantItems(canary, ['PutItem', 'DeleteItem'], [`KEY#${CANARY_KEY_PREFIX}*`, `TEAM#${CANARY_TEAM}`]);
    const check = new EnforcementCanary(this, 'Enforcement', { canary, url });
    // The check runs last, when all other changes of the deployment are in place.
    check.node.addDependency(...this.node.children.filter((child) => child !== check));
    return check;
  }

  #output(id: string, value: string, description: string): void {
    new CfnOutput(this, id, { value, description });
  }
}
