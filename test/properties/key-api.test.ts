import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KeyModelRunner } from '../support/keys/key-model-runner.ts';
import { KeyTestRig } from '../support/keys/key-rig.ts';
import { formatKeyStep, type KeyStep, keyStepArbitrary } from '../support/keys/key-steps.ts';
import { checkStepSequences } from '../support/ledger/ledger-steps.ts';
import { startTestDatabase, type TestDatabase } from '../support/ledger/test-database.ts';

/** For a longer run: `KEY_STORIES=2000 npx vitest run test/properties/key-api.test.ts`. */
const SEQUENCES = Number(process.env.KEY_STORIES ?? 120);

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => await database.close());

it('never lets a sequence of requests widen a key, cross teams, restore a revoked key or show one twice', async () => {
  let granted = 0;
  let stepCount = 0;
  const run = async (steps: readonly KeyStep[]) => {
    const runner = new KeyModelRunner(await KeyTestRig.start(database));
    await runner.begin();
    for (const step of steps) await runner.step(step);
    runner.checkLog();
    granted += runner.granted;
    stepCount += steps.length;
  };
  await checkStepSequences(keyStepArbitrary, run, formatKeyStep, { maxLength: 40, numRuns: SEQUENCES });
  console.log(`${SEQUENCES} sequences of ${stepCount} steps, ${granted} of them granted`);
  // Sequences in which everything is refused would prove nothing.
  expect(granted).toBeGreaterThan(stepCount / 8);
}, 900_000);

it('answers any input with a refusal, never with a fault', async () => {
  const rig = await KeyTestRig.start(database);
  const { key } = await rig.key('admin');
  const segment = fc.constantFrom('me', 'rotate', 'api-keys', '..', '%2e%2e', '%', 'a'.repeat(300), '', 'é', 'KEY#x');
  const field = fc.constantFrom(
    'name',
    'team',
    'role',
    'allowed_models',
    'endpoints',
    'requests_per_minute',
    'tokens_per_minute',
    'monthly_budget_usd',
    'expires_at',
    'overlap_hours',
    '__proto__',
    'key',
  );
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom('ant', 'ant-test', 'lead', 1e300, -0, 1e-300, ['chat'], '2026-12-01T00:00:00Z'),
  );
  const body = fc.oneof(fc.dictionary(field, value), fc.jsonValue({ maxDepth: 2 }), fc.string());
  const request = fc.record({
    method: fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'HEAD'),
    path: fc.oneof(
      fc.constant('/openai/v1/api-keys'),
      fc.constantFrom('/openai/v1/audit', '/openai/v1/groq-keys'),
      fc.array(segment, { minLength: 1, maxLength: 3 }).map((all) => `/openai/v1/api-keys/${all.join('/')}`),
    ),
    query: fc.constantFrom('', '?team=ant', '?team=', '?limit=1e2', '?month=2026-11', '?reason=%00'),
    idempotencyKey: fc.option(fc.string({ maxLength: 300 }), { nil: undefined }),
    body,
  });
  const answers = async ({
    method,
    path,
    query,
    idempotencyKey,
    body: sent,
  }: typeof request extends fc.Arbitrary<infer T> ? T : never) => {
    const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    const { status, text } = await rig.send(
      key,
      method,
      path + query,
      typeof sent === 'string' ? sent : JSON.stringify(sent),
      headers,
    );
    if (status >= 500) throw new Error(`${status}: ${text}`);
    if (status >= 400) expect(JSON.parse(text).error).toHaveProperty('code');
    // The request may have revoked or replaced the admin key itself, which is not a failure.
    if (method === 'DELETE' || /rotate/.test(path)) expect(status).not.toBe(403);
  };
  await fc.assert(fc.asyncProperty(request, answers), { numRuns: 300 });
}, 120_000);
