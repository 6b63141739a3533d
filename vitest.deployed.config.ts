import { defineConfig } from 'vitest/config';

/** The tests of a deployment; `npm run rehearse` starts them, a phase at a time, by the names of their files. */
export default defineConfig({
  test: {
    include: ['test/deployed/**/*.test.ts', 'test/e2e/clients.test.ts'],
    // A revocation takes up to a minute to reach the edge.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
