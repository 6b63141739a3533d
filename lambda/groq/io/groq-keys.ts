import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { groqSecretName } from '../../contract.ts';
import type { Log } from '../../kernel/clock.ts';
import { TeamGroqKeys } from './team-groq-keys.ts';

/** The Groq keys of all teams, read from Secrets Manager. */
export class GroqKeys {
  readonly #client: SecretsManagerClient;
  readonly #environment: string;
  readonly #nowEpochMs: () => number;
  readonly #log: Log;
  readonly #teams = new Map<string, TeamGroqKeys>();

  constructor(client: SecretsManagerClient, environment: string, nowEpochMs: () => number, log: Log) {
    this.#client = client;
    this.#environment = environment;
    this.#nowEpochMs = nowEpochMs;
    this.#log = log;
  }

  /** The keys of a team. Teams come from policies, so the map is bounded. */
  of(team: string): TeamGroqKeys {
    let keys = this.#teams.get(team);
    if (keys === undefined) {
      const onStaleRead = (error: unknown) => this.#log('groq_key_stale', { team, error: errorName(error) });
      keys = new TeamGroqKeys(this.#client, groqSecretName(team, this.#environment), this.#nowEpochMs, onStaleRead);
      this.#teams.set(team, keys);
    }
    return keys;
  }
}

/** The name of Secrets Manager's error, for operators; never a value. */
function errorName(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return error.cause instanceof Error ? error.cause.name : error.message;
}
