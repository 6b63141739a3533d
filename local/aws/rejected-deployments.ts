import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { PROJECT_DIR } from '../settings.ts';
import { REHEARSAL_ENVIRONMENT, type RehearsalAccount } from './rehearsal-account.ts';
import { checkResult, type RehearsalSteps } from './rehearsal-steps.ts';

/** Runs deployments that must fail and roll back. They leave the environment's file changed. */
export async function rehearseRejectedDeployments(
  aws: RehearsalAccount,
  steps: RehearsalSteps,
  environment: EnvironmentFile,
): Promise<void> {
  await steps.run('a price that moved a hundredfold is refused, and rolled back', async () => {
    const catalogFile = join(aws.folder, 'catalog.json');
    const catalog = readFileSync(join(PROJECT_DIR, 'config/catalog.json'), 'utf8');
    writeFileSync(catalogFile, catalog.replace('"output": 0.3,', '"output": 30,'));
    return checkResult(await aws.cdk(['deploy', REHEARSAL_ENVIRONMENT], { catalogFile }), {
      ok: false,
      expectedOutput: [/more than threefold/, /ROLLBACK_COMPLET/],
    });
  });
  await steps.run('a deployment that does not enforce budgets is detected, and rolled back', async () => {
    // This endpoint admits every call. The same deployment raises a budget, which the rollback must take back.
    const open = createServer((_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => open.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(open.address() as AddressInfo).port}/{api}/{stage}`;
    const { changing, ...teams } = environment.teams;
    aws.setEnvironment({
      ...environment,
      teams: { ...teams, ...(changing === undefined ? {} : { changing: { ...changing, monthlyBudgetUsd: 99 } }) },
    });
    const result = await aws.cdk(['deploy', REHEARSAL_ENVIRONMENT], { endpoint });
    open.close();
    return checkResult(result, {
      ok: false,
      expectedOutput: [/does not enforce: an unknown key got 200/, /ROLLBACK_COMPLET/],
    });
  });
}
