/** The limit that a call to Groq exceeded. `code` is for operators. */
export class UpstreamTimeout extends Error {
  override readonly name: string;
  readonly code: string;

  constructor(limit: 'deadline' | 'first_byte' | 'idle') {
    super(`no answer within the limit: ${limit}`);
    this.name = `timeout_${limit}`;
    this.code = `TIMEOUT_${limit.toUpperCase()}`;
  }
}

/** Aborts a call to Groq at its deadline, when no first byte comes, or when no further one does. */
export class AnswerTimer {
  readonly #abort = new AbortController();
  // Not AbortSignal.timeout: a signal that lives until the deadline would keep every response in memory until then.
  readonly #deadline: NodeJS.Timeout;
  readonly #idleMs: number;
  #next: NodeJS.Timeout;
  /** The limit that was exceeded. */
  exceeded: UpstreamTimeout | undefined;

  constructor(deadlineMs: number, firstByteMs: number, idleMs: number) {
    this.#deadline = setTimeout(() => this.#exceed('deadline'), deadlineMs);
    this.#next = setTimeout(() => this.#exceed('first_byte'), firstByteMs);
    this.#idleMs = idleMs;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Passes on the parts of an answer whose first byte has come. The timer stops at its end.
   *
   * @throws UpstreamTimeout when a limit is exceeded.
   */
  guard(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    clearTimeout(this.#next);
    this.#next = setTimeout(() => this.#exceed('idle'), this.#idleMs);
    return this.#relay(body);
  }

  async *#relay(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) {
        this.#next.refresh();
        yield chunk;
      }
    } catch (error) {
      throw this.exceeded ?? error;
    } finally {
      this.stop();
    }
  }

  stop(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#next);
  }

  #exceed(limit: 'deadline' | 'first_byte' | 'idle'): void {
    this.exceeded ??= new UpstreamTimeout(limit);
    this.#abort.abort(this.exceeded);
  }
}
