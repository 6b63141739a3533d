import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CACHE_MS, groqSecretName } from '../contract.ts';
import { isObject } from '../core/chat-request.ts';
import { Cached } from './cached.ts';

/** Secrets Manager failed, or a secret is not of the shape `{"apiKey": "…"}`. */
export class GroqKeyError extends Error {
  override readonly name = 'GroqKeyError';
}

/** The Groq keys of the teams, from Secrets Manager, kept 60 s. */
export class GroqKeys {
  readonly #client: SecretsManagerClient;
  readonly #environment: string;
  readonly #nowEpochMs: () => number;
  readonly #keys = new Map<string, Cached<string | undefined>>();

  constructor(client: SecretsManagerClient, environment: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#environment = environment;
    this.#nowEpochMs = nowEpochMs;
  }

  /** A team's key, or undefined when none has been set. Teams come from policies, so their number is bounded. */
  async get(team: string): Promise<string | undefined> {
    return await this.#cached(team).get();
  }

  /** Fetches a team's key anew: Groq has just refused the one at hand. */
  async refetch(team: string): Promise<string | undefined> {
    const cached = this.#cached(team);
    cached.refresh();
    return await cached.get();
  }

  #cached(team: string): Cached<string | undefined> {
    let cached = this.#keys.get(team);
    if (cached === undefined) {
      cached = new Cached(CACHE_MS, this.#nowEpochMs, () => this.#fetch(team));
      this.#keys.set(team, cached);
    }
    return cached;
  }

  async #fetch(team: string): Promise<string | undefined> {
    const name = groqSecretName(team, this.#environment);
    let text: string | undefined;
    try {
      text = (await this.#client.send(new GetSecretValueCommand({ SecretId: name }))).SecretString;
    } catch (cause) {
      if (cause instanceof ResourceNotFoundException) return undefined;
      throw new GroqKeyError(`cannot read the secret ${name}`, { cause });
    }
    const apiKey = apiKeyOf(text);
    if (apiKey === undefined) throw new GroqKeyError(`the secret ${name} is not of the shape {"apiKey": "…"}`);
    return apiKey;
  }
}

function apiKeyOf(text: string | undefined): string | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isObject(value) && typeof value.apiKey === 'string' && value.apiKey !== '' ? value.apiKey : undefined;
  } catch {
    return undefined;
  }
}
