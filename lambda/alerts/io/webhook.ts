import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { pauseUpTo } from '../../kernel/io/retry.ts';
import { StoreError } from '../../kernel/store-error.ts';

/** Maximum attempts per invocation. */
const MAX_TRIES = 3;
const TIMEOUT_MS = 5_000;
/** Base of the exponential backoff. */
const BACKOFF_MS = 1_000;
/** Plain HTTP is for tests only: the URL is a secret. */
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** An incoming webhook whose URL is a secret. */
export class Webhook {
  readonly #secrets: SecretsManagerClient;
  readonly #secretName: string;
  readonly #backoffMs: number;

  constructor(secrets: SecretsManagerClient, secretName: string, backoffMs = BACKOFF_MS) {
    this.#secrets = secrets;
    this.#secretName = secretName;
    this.#backoffMs = backoffMs;
  }

  /**
   * Posts a JSON body.
   *
   * @throws StoreError if the webhook rejected it, or the outcome is unknown.
   */
  async post(body: string): Promise<void> {
    const url = await this.#readUrl();
    for (let tries = 1; ; tries++) {
      const fault = await postOnce(url, body);
      if (fault === undefined) return;
      if (!fault.isTransient || tries >= MAX_TRIES)
        throw new StoreError('webhook', `the webhook did not accept the message: ${fault.why}`);
      await pauseUpTo(this.#backoffMs * 2 ** tries);
    }
  }

  /** Reads the URL for each message. Messages are rare, and a changed URL takes effect at once. */
  async #readUrl(): Promise<URL> {
    const secret = await this.#secrets
      .send(new GetSecretValueCommand({ SecretId: this.#secretName }))
      .catch((cause: unknown) => {
        throw new StoreError('webhook', `cannot read the secret ${this.#secretName}`, { cause });
      });
    const url = URL.parse((secret.SecretString ?? '').trim());
    const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
    if (url === null || !isSafe)
      throw new StoreError('webhook', `the secret ${this.#secretName} is not a URL that begins with https://`);
    return url;
  }
}

/** Sends a message once. Returns undefined if it was accepted, or the fault. */
async function postOnce(
  url: URL,
  body: string,
): Promise<{ readonly why: string; readonly isTransient: boolean } | undefined> {
  try {
    const {
      status,
      ok,
      body: response,
    } = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      // A redirect would send the message to a URL that is not in the secret.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response?.cancel();
    return ok ? undefined : { why: `it responded with ${status}`, isTransient: status === 429 || status >= 500 };
  } catch (error) {
    // The message of a fetch error may contain the URL.
    const name = error instanceof Error ? error.name : 'unknown';
    return {
      why: name === 'TimeoutError' ? 'it timed out' : 'it could not be reached',
      isTransient: true,
    };
  }
}
