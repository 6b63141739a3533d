/** Where Node keeps the connection pool of its `fetch` (undici's name for it, shared by all of its versions). */
const POOL = Symbol.for('undici.globalDispatcher.1');

/**
 * Makes the next request of `fetch` open a connection of its own; requests in flight keep theirs. A Lambda that slept
 * does not know that the other side has hung up meanwhile, and a request sent into such a connection is lost: nobody
 * could tell whether it was billed.
 */
export function resetConnectionPool(): void {
  const globals = globalThis as { [POOL]?: object };
  const pool = globals[POOL];
  if (pool !== undefined) globals[POOL] = Reflect.construct(pool.constructor, []);
}
