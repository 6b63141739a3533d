import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { type CanaryPorts, canaryHandler } from '../../../../lambda/deployment/io/canary-resource.ts';
import { addCanaryTeam } from '../../../../lambda/policy/canary-team.ts';
import { parseEnvironment } from '../../../../lambda/policy/environment.ts';
import { catalog } from '../../../support/catalog.ts';
import { fakeClock } from '../../../support/fake-clock.ts';

const file = addCanaryTeam('test', { teams: { a: { allowedModels: ['openai/gpt-oss-20b'] } } }, catalog);
const { teams } = parseEnvironment('test', file, catalog);
const REFUSED = { status: 402, code: 'team_budget_exceeded' };
const UNKNOWN = { status: 401, code: 'invalid_api_key' };

/** Runs the check against an endpoint that returns these responses in order, for each kind of key. */
async function check(answers: { unknown?: object[]; canary?: object[]; passedBefore?: boolean }) {
  const stored = new Map<string, unknown>();
  const passed: string[] = [];
  let minted = 0;
  const clock = fakeClock();
  const queues = { unknown: [...(answers.unknown ?? [UNKNOWN])], canary: [...(answers.canary ?? [REFUSED])] };
  const ports: CanaryPorts = {
    policies: { policies: async () => ({ teams, catalog }) },
    keys: {
      put: async (key, record) => void stored.set(key, record),
      remove: async (keyId) => void stored.delete(`grk_${keyId}`),
    },
    mintKey: () => ({ key: `grk_${++minted}`, keyId: String(minted) }),
    probe: () => ({
      chat: async (key) => {
        const queue = stored.has(key) ? queues.canary : queues.unknown;
        const answer = queue.length > 1 ? queue.shift() : queue[0];
        if (answer instanceof Error) throw answer;
        return { headers: new Headers(), body: '', ...answer } as never;
      },
    }),
    clock,
    passed: { has: async () => answers.passedBefore === true, add: async (deployment) => void passed.push(deployment) },
    log: () => {},
  };
  const event = { RequestType: 'Create', ResourceProperties: { Url: 'https://api', Deployment: 'd1' } };
  const result = await canaryHandler(ports)(event as unknown as CloudFormationCustomResourceEvent).then(
    (data) => data.Evidence,
    (error: Error) => error.message,
  );
  return { result, left: stored.size, sleptMs: clock.sleptMs(), passed };
}

describe('the check at the end of a deployment', () => {
  it('passes when an unknown key and a team with $0 are refused, and leaves no key behind', async () => {
    expect(await check({})).toEqual({
      result: expect.stringContaining('by 402'),
      left: 0,
      sleptMs: 12_000,
      passed: ['d1'],
    });
  });

  it.each([
    ['the $0 team gets a completion', { canary: [{ status: 200, code: '' }] }, /the \$0 team got 200/],
    [
      'the $0 team reaches the missing Groq key',
      { canary: [{ status: 503, code: 'groq_key_missing' }] },
      /groq_key_missing/,
    ],
    ['an unknown key gets in', { unknown: [{ status: 200, code: '' }] }, /an unknown key got 200/],
    ['an unknown key reaches the budget', { unknown: [REFUSED] }, /an unknown key got 402/],
  ])('never lets a deployment pass when %s', async (_what, answers, message) => {
    const { result, left, passed } = await check(answers);
    expect([result, left, passed]).toEqual([expect.stringMatching(message), 0, []]);
  });

  it('requires several refusals, because the first may come from the deployment before', async () => {
    const { result } = await check({ unknown: [UNKNOWN, UNKNOWN, { status: 200, code: '' }] });
    expect(result).toContain('an unknown key got 200');
  });

  it('never blocks the rollback to a deployment that has passed before', async () => {
    const { result } = await check({ canary: [{ status: 200, code: '' }], passedBefore: true });
    expect(result).toContain('it has passed before, and now: the deployment does not enforce');
  });

  it('waits until the endpoint is ready', async () => {
    const canary = [
      { status: 403, code: 'unknown_team' },
      { status: 500, code: '' },
      new TypeError('fetch failed'),
      REFUSED,
    ];
    const { result, sleptMs } = await check({ unknown: [{ status: 404, code: '' }, UNKNOWN], canary });
    expect(result).toContain('by 402');
    expect(sleptMs).toBe(24_000);
  });

  it('fails when the endpoint never becomes ready', async () => {
    const { result, left } = await check({ canary: [{ status: 403, code: 'unknown_team' }] });
    expect([result, left]).toEqual([expect.stringContaining('does not enforce: the $0 team got 403'), 0]);
  });
});
