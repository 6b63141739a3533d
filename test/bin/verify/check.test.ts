import { describe, expect, it } from 'vitest';
import { outcome, runCheck } from '../../../bin/verify/check.ts';
import { enforcementChecks } from '../../../bin/verify/enforcement-checks.ts';
import { buildReport, renderReport } from '../../../bin/verify/report.ts';
import { findWideGrants } from '../../../bin/verify/role-check.ts';
import { readStream } from '../../../bin/verify/stream-check.ts';
import { GatewayProbe } from '../../../lambda/deployment/io/gateway-probe.ts';
import { catalog, policyWith } from '../../support/catalog.ts';

/** A gateway that refuses each call of the checks as it must, except for the responses that `override` returns. */
function createProbe(override: (body: Record<string, unknown>, key: string) => Response | undefined = () => undefined) {
  const refusal = (status: number, code: string, headers = {}) =>
    Response.json({ error: { message: '', type: '', param: null, code } }, { status, headers });
  return new GatewayProbe('https://api/', async (url, init) => {
    const headers = new Headers(init?.headers);
    const key = headers.get('authorization') ?? '';
    const body = JSON.parse(String(init?.body ?? '{}'));
    const overridden = override(body, key);
    if (overridden !== undefined) return overridden;
    if (!key.includes('canary')) return refusal(401, 'invalid_api_key');
    if (!String(url).endsWith('/chat/completions')) return refusal(404, 'unknown_url');
    if (body.model !== 'openai/gpt-oss-20b') return refusal(403, 'model_not_allowed');
    if (body.max_completion_tokens > 1) return refusal(400, 'max_tokens_exceeded');
    return refusal(402, 'team_budget_exceeded', { 'x-should-retry': 'false' });
  });
}

async function runEnforcementChecks(probe: GatewayProbe) {
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

describe('the verification of a deployment', () => {
  it('passes for a gateway that refuses what it must, with the evidence of each check', async () => {
    const found = await runEnforcementChecks(createProbe());
    expect(Object.values(found).map(([status]) => status)).toEqual(Array.from({ length: 6 }, () => 'pass'));
    expect(found.budget?.[1]).toBe('402 team_budget_exceeded, x-should-retry: false');
  });

  it.each<[string, string, (body: Record<string, unknown>, key: string) => Response | undefined, RegExp]>([
    [
      'budget',
      'answers a team with a budget of $0',
      (body, key) => (key.includes('canary') && body.max_completion_tokens === 1 ? Response.json({}) : undefined),
      /^200 \(no code\) instead of 402/,
    ],
    [
      'unknown-key',
      'accepts an unknown key',
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
      'lets a client retry',
      (body, key) =>
        key.includes('canary') && body.max_completion_tokens === 1
          ? Response.json({ error: { code: 'team_budget_exceeded' } }, { status: 402 })
          : undefined,
      /x-should-retry: null/,
    ],
  ])('fails the check %s when the gateway %s', async (id, _fault, override, evidence) => {
    expect((await runEnforcementChecks(createProbe(override)))[id]).toEqual(['fail', expect.stringMatching(evidence)]);
  });

  it('fails a check that throws', async () => {
    const run = async () => await Promise.reject(new TypeError('fetch failed'));
    expect(await runCheck({ id: 'x', title: 'X', run })).toEqual({
      id: 'x',
      title: 'X',
      status: 'fail',
      evidence: 'could not be checked: TypeError: fetch failed',
    });
  });

  it('falls short by one failed check, and its report names what is not deployed', () => {
    const line = (id: string, found: object) => ({ id, title: `must ${id}`, ...outcome(true, 'a | b'), ...found });
    const skipped = line('b', { status: 'skip' });
    expect(buildReport('dev', 'https://api', '2026', [line('a', {}), skipped]).verdict).toBe('holds');
    const report = buildReport('dev', 'https://api', '2026', [line('a', {}), skipped, line('c', { status: 'fail' })]);
    expect(report.verdict).toBe('falls short');
    const text = renderReport(report);
    expect(text).toContain('1 of 3 checks passed');
    expect(text).toContain('| yes | must a | a \\| b |');
    expect(text).toContain('| **NO** | must c |');
    expect(text).toContain('| not deployed | must b |');
  });
});

describe('a role statement', () => {
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
    ['one secret by its full name', allow({ Resource: arn('secretsmanager:eu-west-1:1:secret:alerts/slack-??????') })],
    ['traces, which have no resource', allow({ Action: ['xray:PutTraceSegments'], Resource: '*' })],
    ['nothing, because it denies', { Effect: 'Deny', Action: '*', Resource: '*' }],
  ])('is narrow when it allows %s', (_name, statement) => {
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
  ])('is wide when it allows %s', (_name, statement) => {
    expect(findWideGrants(statement)).not.toEqual([]);
  });
});

describe('the check of a streamed response', () => {
  const events = ['data: 1\n\n', 'data: 2\n\n', 'data: [DONE]\n\n'];
  const respond = (pauseMs: number, pieces = events) =>
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
  it('passes when the response arrives in pieces, and fails when it was buffered, cut off or refused', async () => {
    expect(await readStream(respond(20), 'a', performance.now())).toMatchObject({ status: 'pass' });
    // Buffered for a second, then sent at once in as many pieces.
    expect(await readStream(respond(0), 'a', performance.now() - 1_000)).toMatchObject({ status: 'fail' });
    expect(await readStream(respond(20, events.slice(0, 2)), 'a', performance.now())).toMatchObject({ status: 'fail' });
    const refused = new Response('{}', { status: 402, headers: { 'content-type': 'application/json' } });
    expect(await readStream(refused, 'a', performance.now())).toMatchObject({ status: 'fail' });
  });
});
