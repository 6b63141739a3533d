import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildAlert } from '../../../../lambda/alerts/alert.ts';
import { Webhook } from '../../../../lambda/alerts/io/webhook.ts';
import { createWebhookHandler } from '../../../../lambda/alerts/io/webhook-handler.ts';
import type { WebhookKind } from '../../../../lambda/policy/deployment-settings.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { LocalSecretsManager } from '../../../../local/secrets-manager/secrets-manager.ts';
import { snapshotWith, usd } from '../../../support/alert-delivery.ts';
import { START_MS } from '../../../support/ledger/ledger-fixtures.ts';

const PATH = '/services/T00/B00/very-secret';
const alert = buildAlert('prod', { ...snapshotWith({ spentPicoUsd: usd(81) }), threshold: '80%' }, [], START_MS);

let responses: number[];
let posted: { path: string; type: string; body: string }[];
let server: Server;
let address: string;
let secret: string | undefined;
let logged: string[];
beforeEach(async () => {
  responses = [];
  posted = [];
  logged = [];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    posted.push({ path: request.url ?? '', type: request.headers['content-type'] ?? '', body });
    response.statusCode = responses.shift() ?? 200;
    response.setHeader('location', `${address}/elsewhere`);
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
  secret = `${address}\n`;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
});

async function post(kind: WebhookKind, detail: unknown = alert): Promise<unknown> {
  const secrets = new LocalSecretsManager();
  if (secret !== undefined) secrets.handle('CreateSecret', { Name: 'alerts/slack', SecretString: secret });
  const handler = createWebhookHandler({
    kind,
    webhook: new Webhook(secrets.client, 'alerts/slack', 1),
    log: (event, facts) => logged.push(JSON.stringify({ event, ...facts })),
  });
  return await handler({ detail }, lambdaContext('webhook', 'r', 30_000));
}
/** Posts an alert and returns the fault's message, after checking that no part of the fault or the log has the secret. */
async function postFault(detail: unknown = alert): Promise<string> {
  const fault = await post('slack', detail).then(
    () => undefined,
    (error: Error) => error,
  );
  expect(fault).toBeInstanceOf(Error);
  const all = inspect(fault, { depth: 9 });
  expect(all + logged.join()).not.toContain('very-secret');
  return fault?.message ?? '';
}

describe('an alert to a webhook', () => {
  it('escapes text that Slack would interpret, such as a mention of everybody', async () => {
    await post('slack', { ...alert, text: '<!channel> a & b' });
    const { text, blocks } = JSON.parse(posted[0]?.body ?? '');
    expect(text).toMatch(/&lt;!channel&gt; a &amp; b$/);
    expect(blocks[1].text).toEqual({ type: 'plain_text', text: '<!channel> a & b' });
  });

  it('is a Slack message of blocks', async () => {
    await post('slack');
    expect(posted).toMatchObject([{ path: PATH, type: 'application/json' }]);
    expect(JSON.parse(posted[0]?.body ?? '')).toEqual({
      text: `WARN: team a at 80% in prod. ${alert.text}`,
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: 'WARN: team a at 80% in prod' } },
        { type: 'section', text: { type: 'plain_text', text: alert.text } },
        { type: 'context', elements: [{ type: 'plain_text', text: '$81 of $100 · prod/2026-11/a/80%' }] },
      ],
    });
    expect(logged).toEqual([JSON.stringify({ event: 'alert_posted', alertId: alert.alertId, kind: 'slack' })]);
  });

  it('is an adaptive card for Teams, which responds with 202', async () => {
    responses = [202];
    await post('teams');
    const { type, attachments } = JSON.parse(posted[0]?.body ?? '');
    expect([type, attachments.length, attachments[0].contentType]).toEqual([
      'message',
      1,
      'application/vnd.microsoft.card.adaptive',
    ]);
    expect(attachments[0].content).toMatchObject({
      type: 'AdaptiveCard',
      body: [
        { type: 'TextBlock', text: 'WARN: team a at 80% in prod', color: 'warning' },
        { type: 'TextBlock', text: alert.text, wrap: true },
        { type: 'FactSet', facts: [{ value: '$81 of $100' }, { value: 'prod/2026-11/a/80%' }] },
      ],
    });
  });

  it('is retried if the webhook is busy or down, with three attempts in total', async () => {
    responses = [429, 503, 200];
    await post('slack');
    expect(posted).toHaveLength(3);
    responses = [500, 500, 500, 200];
    expect(await postFault()).toBe('the webhook did not accept the message: it responded with 500');
    expect(posted).toHaveLength(6);
  });

  it.each([403, 404, 302])('is not retried after a %i, and follows no redirect', async (status) => {
    responses = [status];
    expect(await postFault()).toBe(`the webhook did not accept the message: it responded with ${status}`);
    expect(posted.map(({ path }) => path)).toEqual([PATH]);
  });

  it('fails without revealing the URL if the webhook cannot be reached', async () => {
    secret = 'https://127.0.0.1:1/services/very-secret';
    expect(await postFault()).toBe('the webhook did not accept the message: it could not be reached');
  });

  it.each([
    ['http://hooks.example.com/services/very-secret', 'is not a URL that begins with https://'],
    ['very-secret', 'is not a URL that begins with https://'],
    [undefined, 'cannot read the secret alerts/slack'],
  ])('is not sent to a URL such as %s', async (value, why) => {
    secret = value;
    expect(await postFault()).toContain(why);
    expect(posted).toEqual([]);
  });

  it('is rejected if the event is not an alert', async () => {
    for (const detail of [null, {}, { ...alert, text: 5 }])
      expect(await postFault(detail)).toBe('the event is not an alert');
    expect(posted).toEqual([]);
  });
});
