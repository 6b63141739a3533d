/** The symbol under which Node stores the connection pool of `fetch` (undici's, the same in all of its versions). */
const POOL = Symbol.for('undici.globalDispatcher.1');

/**
 * Makes the next `fetch` open a new connection; requests in flight keep theirs. A frozen Lambda does not notice that the
 * server closed an idle connection. A request sent on such a connection is lost, and may have been billed.
 */
export function resetConnectionPool(): void {
  const globals = globalThis as { [POOL]?: object };
  const pool = globals[POOL];
  if (pool !== undefined) globals[POOL] = Reflect.construct(pool.constructor, []);
}
