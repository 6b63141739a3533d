import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';

/** One secret with the rules of AWS's that a rotation depends on. */
export class FakeSecretsManager {
  readonly versions = new Map<string, { stages: string[]; text?: string }>();
  readonly #name: string;

  constructor(name: string, placeholder: string) {
    this.#name = name;
    this.versions.set('placeholder', { stages: ['AWSCURRENT'], text: placeholder });
  }

  /** As a client; what is sent by it is answered at once. */
  get client(): SecretsManagerClient {
    return { send: async (command: unknown) => this.#answer(command) } as unknown as SecretsManagerClient;
  }

  /** Begins a rotation: the version is there before the function is called, without a value. */
  begin(token: string): void {
    this.versions.set(token, { stages: [] });
    this.#label('AWSPENDING', token);
  }

  /** What a service reads. */
  current(): string | undefined {
    return [...this.versions.values()].find(({ stages }) => stages.includes('AWSCURRENT'))?.text;
  }

  #answer(command: unknown): object {
    if (command instanceof DescribeSecretCommand) {
      const labelled = [...this.versions].map(([id, { stages }]) => [id, [...stages]]);
      return { Name: this.#name, RotationEnabled: true, VersionIdsToStages: Object.fromEntries(labelled) };
    }
    if (command instanceof GetSecretValueCommand) {
      const text = this.versions.get(command.input.VersionId ?? '')?.text;
      if (text === undefined) throw new ResourceNotFoundException({ message: 'no value', $metadata: {} });
      return { SecretString: text };
    }
    if (command instanceof PutSecretValueCommand) {
      const { ClientRequestToken = '', SecretString = '' } = command.input;
      const version = this.versions.get(ClientRequestToken);
      if (version === undefined) throw new Error('a rotation begins with its version');
      // The same value again is no error; another is: a version never changes.
      if (version.text !== undefined && version.text !== SecretString)
        throw new ResourceExistsException({ message: 'a version never changes', $metadata: {} });
      version.text = SecretString;
      return {};
    }
    if (command instanceof UpdateSecretVersionStageCommand) {
      const { MoveToVersionId = '', RemoveFromVersionId = '' } = command.input;
      if (this.versions.get(RemoveFromVersionId)?.stages.includes('AWSCURRENT') !== true)
        throw new Error('the label is attached to another version');
      this.#label('AWSPREVIOUS', RemoveFromVersionId);
      this.#label('AWSCURRENT', MoveToVersionId);
      return {};
    }
    throw new Error('a command that no rotation needs');
  }

  #label(label: string, to: string): void {
    for (const version of this.versions.values()) version.stages = version.stages.filter((one) => one !== label);
    this.versions.get(to)?.stages.push(label);
  }
}
