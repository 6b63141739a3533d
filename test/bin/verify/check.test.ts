import { describe, expect, it } from 'vitest';
import { outcome, runCheck } from '../../../bin/verify/check.ts';
import { enforcementChecks } from '../../../bin/verify/enforcement-checks.ts';
import { buildReport, renderReport } from '../../../bin/verify/report.ts';
import { findWideGrants } from '../../../bin/verify/resource-checks.ts';
import { readStream } from '../../../bin/verify/stream-check.ts';
import { GatewayProbe } from '../../../lambda/deployment/io/gateway-probe.ts';
import { catalog, policyWith } from '../../support/catalog.ts';

/** What a gateway answers to the calls of the checks: a refusal by what is wrong with each, unless `broken` says otherwise. */
function createProbe(broken: (body: Record<string, unknown>, key: string) => Response | undefined = () => undefined) {
  const refusal = (status: number, code: string, headers = {}) =>
    Response.json({ error: { message: '', type: '', param: null, code } }, { status, headers });
  return new GatewayProbe('https://api/', async (url, init) => {
    const headers = new Headers(init?.headers);
    const key = headers.get('authorization') ?? '';
    const body = JSON.parse(String(init?.body ?? '{}'));
    const odd = broken(body, key);
    if (odd !== undefined) return odd;
    if (!key.includes('canary')) return refusal(401, 'invalid_api_key');
    if (!String(url).endsWith('/chat/completions')) return refusal(404, 'unknown_url');
    if (body.model !== 'openai/gpt-oss-20b') return refusal(403, 'model_not_allowed');
    if (body.max_completion_tokens > 1) return refusal(400, 'max_tokens_exceeded');
    return refusal(402, 'team_budget_exceeded', { 'x-should-retry': 'false' });
  });
}

async function findings(probe: GatewayProbe) {
  const target = {
    probe,
    catalog,
    canary: policyWith({ allowedModels: ['openai/gpt-oss-20b'] }),
    canaryKey: 'canary',
    unknownKey: 'nobody',
    revokeCanaryKey: async () => {},
  };
  const found = await Promise.all(enforcementChecks(target, false).map(runCheck));
  return Object.fromEntries(found.map(({ id, status, evidence }) => [id, [status, evidence]]));
}

describe('the validation of a deployment', () => {
  it('is met by a gateway that enforces, with what was seen for each line', async () => {
    const found = await findings(createProbe());
    expect(Object.values(found).map(([status]) => status)).toEqual(Array.from({ length: 6 }, () => 'pass'));
    expect(found.budget?.[1]).toBe('402 team_budget_exceeded, x-should-retry: false');
  });

  it.each<[string, string, (body: Record<string, unknown>, key: string) => Response | undefined, RegExp]>([
    [
      'budget',
      'answers a team with $0',
      (body, key) => (key.includes('canary') && body.max_completion_tokens === 1 ? Response.json({}) : undefined),
      /^200 \(no code\) instead of 402/,
    ],
    [
      'unknown-key',
      'takes a key that nobody has',
      (_body, key) => (key.includes('nobody') ? Response.json({}) : undefined),
      /instead of 401/,
    ],
    [
      'no-key',
      'answers in HTML',
      (_body, key) => (key === '' ? new Response('<html>', { status: 401 }) : undefined),
      /not JSON/,
    ],
    [
      'budget',
      'invites a client to try again',
      (body, key) =>
        key.includes('canary') && body.max_completion_tokens === 1
          ? Response.json({ error: { code: 'team_budget_exceeded' } }, { status: 402 })
          : undefined,
      /x-should-retry: null/,
    ],
  ])('falls short at %s when the gateway %s', async (id, _what, broken, evidence) => {
    expect((await findings(createProbe(broken)))[id]).toEqual(['fail', expect.stringMatching(evidence)]);
  });

  it('counts a check that cannot be carried out as not met', async () => {
    const run = async () => await Promise.reject(new TypeError('fetch failed'));
    expect(await runCheck({ id: 'x', title: 'X', run })).toEqual({
      id: 'x',
      title: 'X',
      status: 'fail',
      evidence: 'could not be checked: TypeError: fetch failed',
    });
  });

  it('is a report that one line makes fall short, and that names what is not deployed', () => {
    const line = (id: string, found: object) => ({ id, title: `must ${id}`, ...outcome(true, 'a | b'), ...found });
    const skipped = line('b', { status: 'skip' });
    expect(buildReport('dev', 'https://api', '2026', [line('a', {}), skipped]).verdict).toBe('holds');
    const report = buildReport('dev', 'https://api', '2026', [line('a', {}), skipped, line('c', { status: 'fail' })]);
    expect(report.verdict).toBe('falls short');
    const text = renderReport(report);
    expect(text).toContain('1 of 3 checks are met');
    expect(text).toContain('| yes | must a | a \\| b |');
    expect(text).toContain('| **NO** | must c |');
    expect(text).toContain('| not deployed | must b |');
  });
});

describe('a role', () => {
  const arn = (rest: string) => `arn:aws:${rest}`;
  const allow = (more: object) => ({
    Effect: 'Allow',
    Action: 'dynamodb:GetItem',
    Resource: arn('dynamodb:eu-west-1:1:table/x'),
    ...more,
  });
  it.each([
    ['one table', allow({})],
    [
      "a log group's streams",
      allow({ Action: ['logs:PutLogEvents'], Resource: arn('logs:eu-west-1:1:log-group:/aws/x:*') }),
    ],
    [
      "this environment's Groq secrets",
      allow({ Resource: arn('secretsmanager:eu-west-1:1:secret:groq/*-prod-gateway-??????') }),
    ],
    [
      "one environment's secrets of services",
      allow({ Resource: arn('secretsmanager:eu-west-1:1:secret:gateway/*-prod-service-??????') }),
    ],
    ['one secret by its whole name', allow({ Resource: arn('secretsmanager:eu-west-1:1:secret:alerts/slack-??????') })],
    ['traces, which have no resource', allow({ Action: ['xray:PutTraceSegments'], Resource: '*' })],
    ['nothing, since it denies', { Effect: 'Deny', Action: '*', Resource: '*' }],
  ])('is narrow that allows %s', (_what, statement) => {
    expect(findWideGrants(statement)).toEqual([]);
  });
  it.each([
    ['every action', allow({ Action: 'dynamodb:*' })],
    ['every resource', allow({ Resource: '*' })],
    ['every table', allow({ Resource: arn('dynamodb:*:*:table/*') })],
    ['every secret', allow({ Resource: arn('secretsmanager:eu-west-1:1:secret:*') })],
    ['secrets of every environment', allow({ Resource: arn('secretsmanager:eu-west-1:1:secret:gateway/*') })],
    ['all but some actions', { Effect: 'Allow', NotAction: 'iam:CreateUser', Resource: arn('x') }],
    ['all but some resources', { Effect: 'Allow', Action: 's3:GetObject', NotResource: arn('x') }],
  ])('is not narrow that allows %s', (_what, statement) => {
    expect(findWideGrants(statement)).not.toEqual([]);
  });
});

describe('a stream', () => {
  const events = ['data: 1\n\n', 'data: 2\n\n', 'data: [DONE]\n\n'];
  const answer = (pauseMs: number, pieces = events) =>
    new Response(
      new ReadableStream({
        async start(controller) {
          for (const piece of pieces) {
            controller.enqueue(Buffer.from(piece));
            await new Promise((resolve) => setTimeout(resolve, pauseMs));
          }
          controller.close();
        },
      }),
      { headers: { 'content-type': 'text/event-stream' } },
    );
  it('is one when it arrives bit by bit, and none when it was held back or cut off', async () => {
    expect(await readStream(answer(20), 'a', performance.now())).toMatchObject({ status: 'pass' });
    // Held back for a second, then all at once, in as many pieces.
    expect(await readStream(answer(0), 'a', performance.now() - 1_000)).toMatchObject({ status: 'fail' });
    expect(await readStream(answer(20, events.slice(0, 2)), 'a', performance.now())).toMatchObject({ status: 'fail' });
    const refused = new Response('{}', { status: 402, headers: { 'content-type': 'application/json' } });
    expect(await readStream(refused, 'a', performance.now())).toMatchObject({ status: 'fail' });
  });
});
