import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { pauseUpTo } from '../../kernel/io/retry.ts';
import { StoreError } from '../../kernel/store-error.ts';

/** How often a message is sent before it is left to whoever asked for it, in one go. */
const MAX_TRIES = 3;
/** How long a webhook may take to answer, and the pause between tries at first, in milliseconds. */
const ANSWER_MS = 5_000;
const PAUSE_MS = 1_000;
/** Plain HTTP is for this machine's own tests only: an address is a secret. */
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** An incoming webhook whose address is a secret. */
export class Webhook {
  readonly #secrets: SecretsManagerClient;
  readonly #secretName: string;
  readonly #pauseMs: number;

  constructor(secrets: SecretsManagerClient, secretName: string, pauseMs = PAUSE_MS) {
    this.#secrets = secrets;
    this.#secretName = secretName;
    this.#pauseMs = pauseMs;
  }

  /** Posts a JSON body. @throws StoreError when it was not taken, or nobody knows. */
  async post(body: string): Promise<void> {
    const address = await this.#address();
    for (let tries = 1; ; tries++) {
      const fault = await postOnce(address, body);
      if (fault === undefined) return;
      if (!fault.isTransient || tries >= MAX_TRIES)
        throw new StoreError('webhook', `the webhook took no message: ${fault.why}`);
      await pauseUpTo(this.#pauseMs * 2 ** tries);
    }
  }

  /** Read anew each time: messages are rare, and an address that was changed is used at once. */
  async #address(): Promise<URL> {
    const secret = await this.#secrets
      .send(new GetSecretValueCommand({ SecretId: this.#secretName }))
      .catch((cause: unknown) => {
        throw new StoreError('webhook', `cannot read the secret ${this.#secretName}`, { cause });
      });
    const address = URL.parse((secret.SecretString ?? '').trim());
    const isSafe = address?.protocol === 'https:' || (address?.protocol === 'http:' && LOOPBACK.has(address.hostname));
    if (address === null || !isSafe)
      throw new StoreError('webhook', `the secret ${this.#secretName} is not an address that begins with https://`);
    return address;
  }
}

/** Sends a message once; undefined when it was taken, or why not, and whether that may pass. */
async function postOnce(
  address: URL,
  body: string,
): Promise<{ readonly why: string; readonly isTransient: boolean } | undefined> {
  try {
    const {
      status,
      ok,
      body: answer,
    } = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      // What answers elsewhere is not what the secret names.
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    await answer?.cancel();
    return ok ? undefined : { why: `it answered ${status}`, isTransient: status === 429 || status >= 500 };
  } catch (error) {
    // The error of fetch may name the address.
    const name = error instanceof Error ? error.name : 'unknown';
    return {
      why: name === 'TimeoutError' ? 'it did not answer in time' : 'it could not be reached',
      isTransient: true,
    };
  }
}
