import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_DIR } from '../settings.ts';
import { type AlertSubscriber, subscribeToAlerts } from './alert-subscriber.ts';
import { REHEARSAL_ENVIRONMENT, type RehearsalAccount } from './rehearsal-account.ts';
import { changedEnvironment, rehearsalEnvironment } from './rehearsal-environment.ts';
import { extractPolicyDiff, extractTestCounts, findLeak } from './rehearsal-output.ts';
import { checkResult, RehearsalSteps } from './rehearsal-steps.ts';
import { rehearseRejectedDeployments } from './rejected-deployments.ts';

const STACK_NAME = `groq-gateway-${REHEARSAL_ENVIRONMENT}`;
const REPORTS = join(PROJECT_DIR, 'reports');

/** The rehearsal of one account, with the keys that it has created so far. */
export class Rehearsal {
  readonly steps = new RehearsalSteps();
  readonly #aws: RehearsalAccount;
  readonly #teamKeys: Record<string, { key: string }> = {};
  #adminKey = '';
  #alerts: AlertSubscriber | undefined;

  constructor(aws: RehearsalAccount) {
    this.#aws = aws;
  }

  async run(): Promise<void> {
    const { steps } = this;
    const aws = this.#aws;
    const before = rehearsalEnvironment(aws.fake.baseUrl);
    aws.setEnvironment(before);
    await steps.run('cdk bootstrap', async () => checkResult(await aws.cdk(['bootstrap'])));
    await steps.run('cdk deploy', async () =>
      checkResult(await this.#deploy(), { expectedOutput: [/\| team roomy \|/] }),
    );
    if (steps.failed > 0) return;
    await steps.run('subscriptions to alerts, before the first call', async () => {
      this.#alerts = await subscribeToAlerts(STACK_NAME, aws.emulator.clientConfig);
      return undefined;
    });
    await steps.run('groq-rbac keys create, a Groq key a team', async () => {
      await this.#createTeamKeys(Object.keys(before.teams));
      this.#adminKey = await this.#aws.createKey('--role', 'admin');
      return undefined;
    });
    await this.#testFirstDeployment();
    await this.#changePolicies();
    await this.#tearDown();
  }

  async #testFirstDeployment(): Promise<void> {
    const { steps } = this;
    const aws = this.#aws;
    await steps.run('tests of the first deployment', async () => await this.#test('first', 'clients'));
    await steps.run('groq-rbac verify', async () => {
      const result = await aws.groqRbac(['verify', '--env', REHEARSAL_ENVIRONMENT, '--out', REPORTS]);
      console.log(result.output);
      return checkResult(result, { expectedOutput: [/\*\*holds\*\*/] });
    });
    await steps.run('groq-rbac prove, on the budget of a team', async () => {
      const team = ['--env', REHEARSAL_ENVIRONMENT, '--team', 'roomy', '--upstream', aws.fake.baseUrl];
      const size = ['--calls', '40', '--at-once', '20', '--only', 'whole,streamed-open'];
      const result = await aws.groqRbac(['prove', ...team, ...size, '--out', REPORTS]);
      console.log(result.output);
      return checkResult(result, { expectedOutput: [/The proof holds/] });
    });
    await steps.run('cdk deploy again, unchanged: nothing changes', async () =>
      checkResult(await this.#deploy(), { expectedOutput: [/no changes/] }),
    );
  }

  async #changePolicies(): Promise<void> {
    const { steps } = this;
    const aws = this.#aws;
    const after = changedEnvironment(aws.fake.baseUrl);
    aws.setEnvironment(after);
    await steps.run('cdk diff shows the change of policies', async () => {
      const result = await aws.cdk(['diff', REHEARSAL_ENVIRONMENT]);
      console.log(extractPolicyDiff(result.output));
      return checkResult(result, { expectedOutput: [/monthlyBudgetUsd[\s\S]*10[\s\S]*25/, /Team-leaving/] });
    });
    await steps.run('cdk deploy of changed policies', async () => {
      const result = await this.#deploy();
      console.log(aws.outputs().Changes);
      return checkResult(result, {
        expectedOutput: [/team changing: monthlyBudgetUsd \| \$10 \| \$25/, /team leaving \| deployed \| removed/],
      });
    });
    await steps.run('a key for the new team', async () => {
      await this.#createTeamKeys(['arriving']);
      return undefined;
    });
    await steps.run('tests of the changed policies', async () => await this.#test('changed'));
    await rehearseRejectedDeployments(aws, steps, after);
    await steps.run(
      'the policies are still those before the rejected deployments',
      async () => await this.#test('changed'),
    );
    await steps.run('groq-rbac verify fails when a Groq key is wrong', async () => {
      await aws.setGroqKeys(['slow'], 'gsk_wrong');
      const verify = await aws.groqRbac(['verify', '--env', REHEARSAL_ENVIRONMENT, '--out', aws.folder, '--quick']);
      return checkResult(verify, { ok: false, expectedOutput: [/slow: GET \/models returned 401/] });
    });
  }

  async #tearDown(): Promise<void> {
    const aws = this.#aws;
    await this.steps.run('cdk destroy', async () =>
      checkResult(await aws.cdk(['destroy', REHEARSAL_ENVIRONMENT, '--force'])),
    );
    await this.steps.run('tests of the retained data', async () => await this.#test('destroyed'));
    await this.steps.run('no key and no prompt is in any output or log', async () =>
      findLeak(aws, [...Object.values(this.#teamKeys).map(({ key }) => key), this.#adminKey]),
    );
  }

  async #deploy() {
    return await this.#aws.cdk(['deploy', REHEARSAL_ENVIRONMENT]);
  }

  /** Runs the test files of test/deployed whose names contain one of the phases. */
  async #test(...phases: readonly string[]): Promise<string | undefined> {
    const aws = this.#aws;
    const outputs = aws.outputs();
    const targetFile = join(aws.folder, 'target.json');
    const target = {
      environmentName: REHEARSAL_ENVIRONMENT,
      stackName: STACK_NAME,
      baseUrl: outputs.Endpoint,
      ledgerTable: outputs.LedgerTable,
      registryTable: outputs.RegistryTable,
      usageTable: outputs.UsageTable,
      upstreamUrl: aws.fake.baseUrl,
      alertsUrl: this.#alerts?.url,
      adminKey: this.#adminKey,
      teams: this.#teamKeys,
    };
    writeFileSync(targetFile, JSON.stringify(target));
    const vitest = join(PROJECT_DIR, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--config', 'vitest.deployed.config.ts', ...phases];
    const result = await aws.runNode(args, { DEPLOYED_TARGET: targetFile });
    console.log(extractTestCounts(result.output));
    return checkResult(result);
  }

  /** Creates a gateway key for each team, and stores a Groq key in its secret. */
  async #createTeamKeys(teams: readonly string[]): Promise<void> {
    for (const team of teams) this.#teamKeys[team] = { key: await this.#aws.createKey('--team', team) };
    await this.#aws.setGroqKeys(teams);
  }
}
