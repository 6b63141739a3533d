import { findServedModel } from '../../lambda/access/model-list.ts';
import { ConfigError } from '../../lambda/kernel/config-error.ts';
import { loadConfiguration } from '../configuration.ts';
import type { LocalGateway } from '../local-gateway.ts';
import { type Settings, StartError } from '../settings.ts';
import { REHEARSAL_ENVIRONMENT, startRehearsalAccount } from './rehearsal-account.ts';

/**
 * Deploys an environment into the emulator with the CDK's own commands, and creates a key for each team. All data is lost
 * when it closes.
 *
 * @throws StartError or ConfigError with one line for the terminal.
 */
export async function startEmulatedGateway(
  settings: Settings,
  onProgress: (line: string) => void,
): Promise<LocalGateway> {
  // Reports a mistake in the configuration before anything starts.
  const { environment, environmentFile, catalog } = await loadConfiguration(
    settings.environmentFile,
    settings.catalogFile,
  );
  const aws = await startRehearsalAccount(() => {});
  try {
    const { deployment, ...rest } = environmentFile;
    const { groqBaseUrl: _other, account: _account, region: _region, ...kept } = deployment ?? {};
    const baseUrl = settings.upstream?.baseUrl ?? aws.fake.baseUrl;
    aws.setEnvironment({ ...rest, deployment: { ...kept, groqBaseUrl: baseUrl } });
    const run = async (title: string, work: Promise<{ code: number | null; output: string }>) => {
      onProgress(title);
      const { code, output } = await work;
      if (code !== 0) throw new StartError(`${title} failed with exit code ${code}:\n${output}`);
      return output;
    };
    await run('cdk bootstrap', aws.cdk(['bootstrap']));
    await run('cdk deploy', aws.cdk(['deploy', REHEARSAL_ENVIRONMENT], { catalogFile: settings.catalogFile }));
    onProgress('creating a key for each team');
    const teams: Record<string, { key: string; model: string | undefined }> = {};
    for (const policy of environment.teams.values()) {
      const { team } = policy;
      teams[team] = { key: await aws.createKey('--team', team), model: findServedModel(policy, catalog) };
    }
    const adminKey = await aws.createKey('--role', 'admin');
    await aws.setGroqKeys(Object.keys(teams), settings.upstream?.apiKey);
    return {
      baseUrl: aws.outputs().Endpoint ?? '',
      adminKey,
      teams,
      upstreamUrl: baseUrl,
      warning: undefined,
      hint: `The emulated AWS is at ${aws.emulator.endpoint}: AWS_ENDPOINT_URL=${aws.emulator.endpoint} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=${aws.emulator.environment.AWS_ACCESS_KEY_ID} AWS_SECRET_ACCESS_KEY=emulator npx groq-rbac verify --env ${REHEARSAL_ENVIRONMENT}`,
      close: aws.close,
    };
  } catch (error) {
    await aws.close();
    throw error instanceof ConfigError || error instanceof StartError ? error : new StartError(String(error));
  }
}
