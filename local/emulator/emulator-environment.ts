import { delimiter, dirname, join } from 'node:path';

/** The part of an SDK client's configuration that selects an AWS and an identity. */
export type AwsClientConfig = {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
};

/** The only account of the emulator. */
export const ACCOUNT = '000000000000';

// A key id of this project's own, because cdk caches the account of a key.
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'GROQGATEWAYEMULATOR0', AWS_SECRET_ACCESS_KEY: 'emulator' };
const REGION = 'us-east-1';

/** Returns the configuration of an SDK client in this process. */
export function clientConfig(endpoint: string): AwsClientConfig {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = CREDENTIALS;
  return { endpoint, region: REGION, credentials: { accessKeyId, secretAccessKey } };
}

/** Returns this process's environment without AWS settings, and with ministack's. */
export function launcherEnvironment(folder: string, port: number, enforceIam: boolean): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(AWS_|NODE_|PYTHON)/.test(name));
  return {
    ...Object.fromEntries(own),
    ...CREDENTIALS,
    AUTH: String(enforceIam),
    GATEWAY_PORT: String(port),
    // Functions run on this Node, whatever their template's runtime.
    PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
    TMPDIR: folder,
    STATE_DIR: join(folder, 'state'),
    S3_DATA_DIR: join(folder, 's3'),
    // ministack removes containers that it considers its own, so it must not find a Docker.
    DOCKER_HOST: `unix://${join(folder, 'no-docker')}`,
    // These would listen on every network interface.
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    LOG_LEVEL: 'INFO',
    NO_PROXY: '127.0.0.1,localhost',
    PYTHONUNBUFFERED: '1',
  };
}

/** Returns environment variables that make a child process call the emulator, to be merged into process.env. */
export function clientEnvironment(endpoint: string): Readonly<Record<string, string>> {
  return {
    ...CREDENTIALS,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    CDK_DEFAULT_ACCOUNT: ACCOUNT,
    CDK_DEFAULT_REGION: REGION,
    // Hides the developer's own profile and session.
    AWS_SESSION_TOKEN: '',
    AWS_PROFILE: '',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    NO_PROXY: '127.0.0.1,localhost',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
  };
}
