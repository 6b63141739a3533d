/** Runs tasks of the same name one after another. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(name: string, task: () => Promise<T>): Promise<T> {
    const result = (this.#last.get(name) ?? Promise.resolve()).then(task);
    const settled = result.catch(() => undefined);
    this.#last.set(name, settled);
    return await result.finally(() => {
      if (this.#last.get(name) === settled) this.#last.delete(name);
    });
  }
}
