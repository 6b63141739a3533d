import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Those of a deployment are started by the rehearsal.
    exclude: ['test/deployed/**', 'node_modules/**'],
    // The end-to-end tests start whole gateways; on a busy machine a start takes a while.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: more workers would only wait for one another.
    maxWorkers: 2,
  },
});
