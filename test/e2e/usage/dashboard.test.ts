import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, DashboardPage, startBrowser } from '../../support/gateway/browser.ts';
import {
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../../support/gateway/gateway-process.ts';
import { waitForSettledUsage } from '../../support/gateway/reported-usage.ts';

/** Slightly less than ten calls of `tight` cost, each with 1,000 completion tokens and a short prompt. */
const TIGHT_BUDGET_USD = 0.003;
const POLL_OPTIONS = { timeout: 20_000, interval: 100 };

let gateway: GatewayProcess;
let browser: Browser;
let dashboard: DashboardPage;

async function makeKey(
  name: string,
  role: string,
  fields: object = {},
): Promise<{ readonly key: string; readonly id: string }> {
  const response = await fetch(`${gateway.baseUrl}/openai/v1/api-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.adminKey}` },
    body: JSON.stringify({ name, role, ...fields }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as { key: string; id: string };
}

async function call(team: string, tokens = 1_000): Promise<number> {
  const messages = [{ role: 'user', content: `[tokens:${tokens}]` }];
  return (await postChat(gateway, gateway.teams[team]?.key ?? '', { messages, max_tokens: tokens })).status;
}

describe.skipIf(CHROMIUM === undefined)('the local page', () => {
  beforeAll(async () => {
    const { roomy } = roomyEnvironment().teams;
    const teams = { roomy, quiet: roomy, tight: { ...roomy, monthlyBudgetUsd: TIGHT_BUDGET_USD } };
    [gateway, browser] = await Promise.all([startGatewayProcess({ environment: { teams } }), startBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await gateway.close();
  });
  afterEach(async () => {
    await dashboard.expectNoErrorsOrLeaks();
    await dashboard.close();
  });
  const open = async (...options: [] | [Parameters<typeof DashboardPage.open>[2]]) => {
    dashboard = await DashboardPage.open(browser, gateway.baseUrl, ...options);
    return dashboard;
  };

  it.each([
    ['no key', '', 'Enter a key.'],
    ['an unknown key', 'grk_test_aaaaaaaaaaaa_wrong', 'The gateway rejects this key'],
    ['characters that a header cannot carry', 'gr\u00fc\u00dfe \u{1f511}', 'The gateway rejects this key'],
  ])('rejects %s with a message, and stores nothing', async (_what, key, message) => {
    const { page, field } = await open();
    await field.fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText(message).waitFor();
    expect(await page.locator('#dashboard').isVisible()).toBe(false);
    expect(await page.evaluate('document.activeElement?.id')).toBe('key');
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('can be used by keyboard alone, from signing in to signing out', async () => {
    const { page } = await open();
    await page.keyboard.insertText(gateway.adminKey);
    await page.keyboard.press('Enter');
    await page.locator('#as-of').getByText('Live, as of').waitFor();
    expect(await page.evaluate('document.activeElement?.id')).toBe('title');
    const reached: unknown[] = [];
    for (let times = 0; times < 4; times++) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate('document.activeElement?.id || document.activeElement?.textContent'));
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
      if (reached.at(-1) === 'sign-out') break;
    }
    expect(reached).toEqual(['pause', 'sign-out']);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await page.evaluate('[document.activeElement?.id, sessionStorage.length]')).toEqual(['key', 0]);
    expect(await page.locator('#budgets li, #content td').count()).toBe(0);
  });

  it('stays signed in after a reload, in this tab only', async () => {
    const { page } = await open();
    await dashboard.signIn(gateway.adminKey);
    await page.reload();
    await page.locator('#as-of').getByText('Live, as of').waitFor();
    await dashboard.expectNoErrorsOrLeaks(gateway.adminKey);
    await page
      .context()
      .newPage()
      .then(async (other) => {
        await other.goto(`${gateway.baseUrl}/dashboard`);
        await other.getByRole('button', { name: 'Sign in' }).waitFor();
      });
  });

  it('shows each role what its key may see, and says why the rest is missing', async () => {
    const [lead, viewer, finance] = [
      await makeKey('quiet-test-lead', 'lead'),
      await makeKey('quiet-test-viewer', 'viewer'),
      await makeKey('organization-test-finance', 'viewer'),
    ];
    const member = { key: gateway.teams.quiet?.key ?? '' };
    const all = ['Organisation', 'quiet', 'roomy', 'tight'];
    const noAudit = (role: string) => `A key with the role "${role}" may not read the audit trail.`;
    for (const [key, identity, budgets, keys, audit] of [
      [gateway.adminKey, 'admin of the organisation', all, /^7 in use/, 'GET /openai/v1/audit returns all entries'],
      [finance.key, 'viewer of the organisation', all, /^7 in use/, noAudit('viewer')],
      [lead.key, 'lead of quiet', ['quiet'], /^3 in use/, 'GET /openai/v1/audit returns all entries'],
      [viewer.key, 'viewer of quiet', ['quiet'], /^3 in use/, noAudit('viewer')],
      [member.key, 'member of quiet', ['quiet'], /^1 in use/, noAudit('member')],
    ] as const) {
      const { page } = await open();
      await dashboard.signIn(key);
      expect(await page.locator('#whose').textContent()).toContain(`${identity}, environment test`);
      expect(await page.locator('#budgets .name').allTextContents()).toEqual(budgets);
      await page.locator('#keys-note').getByText(keys).waitFor();
      await page.locator('#audit-note').getByText(audit).waitFor();
      await dashboard.expectNoErrorsOrLeaks(key);
      if (key !== member.key) await dashboard.close();
    }
  });

  it('shows only its own name to a key that may only call models, and why', async () => {
    const { key } = await makeKey('roomy-test-narrow', 'member', { endpoints: ['chat'] });
    const { page } = await open();
    await dashboard.signIn(key);
    expect(await page.locator('#whose').textContent()).toContain('roomy-test-narrow: member of roomy');
    for (const panel of ['budgets', 'week', 'refusals', 'keys', 'audit'])
      await page.locator(`#${panel}-note`).getByText('This key is for chat only').waitFor();
    expect(await page.locator('#budgets li, #content svg, #content table').count()).toBe(0);
    await dashboard.expectNoErrorsOrLeaks(key);
  });

  it('updates during calls, to exactly their cost', async () => {
    const { page } = await open();
    await dashboard.signIn(gateway.adminKey);
    expect(await dashboard.used('roomy')).toBe('0%, $0.00 of $100.00, Within budget');
    expect(await Promise.all([call('roomy'), call('roomy')])).toEqual([200, 200]);
    await expect.poll(() => dashboard.used('roomy'), POLL_OPTIONS).toMatch(/^< 0.1%, \$0.000\d+ of \$100.00/);
    const week = page.locator('#week-series');
    await week.getByRole('row', { name: 'roomy' }).getByRole('cell', { name: '2', exact: true }).waitFor();
    await Promise.all(Array.from({ length: 5 }, () => call('roomy')));
    await week.getByRole('row', { name: 'roomy' }).getByRole('cell', { name: '7', exact: true }).waitFor();
    const { total } = await waitForSettledUsage(gateway, gateway.teams.roomy?.key ?? '');
    expect(await dashboard.budget('roomy').locator('strong').getAttribute('title')).toBe(`$${total.cost_usd}`);
    expect(await page.locator('#week-chart svg').getAttribute('aria-label')).toContain('in all');
    expect(await page.locator('#week-chart rect').count()).toBe(1);
  });

  it('announces each threshold that a budget passes, once and in words', async () => {
    const { page } = await open();
    await dashboard.signIn(gateway.adminKey);
    const alerts = page.getByRole('region', { name: 'Budget alerts' });
    expect(await alerts.isVisible()).toBe(false);
    await page.evaluate(
      'globalThis.announcements = []; new MutationObserver(() => announcements.push(document.querySelector("#alerts-announcement").textContent)).observe(document.querySelector("#alerts-announcement"), { childList: true, characterData: true, subtree: true })',
    );
    for (const [calls, tokens, label] of [
      [5, 1_000, 'Past 50%'],
      [3, 1_000, 'Past 80%'],
      [1, 1_600, 'Past 95%'],
    ] as const) {
      for (let times = 0; times < calls; times++) expect(await call('tight', tokens)).toBe(200);
      await alerts.getByText(label).waitFor();
      expect(await dashboard.budget('tight').locator('.label').textContent()).toBe(label);
      expect(await dashboard.used('tight')).toContain(label);
      expect(await alerts.getByRole('listitem').textContent()).toMatch(/tight: \d\d% used, \$0\.00\d+ of \$0\.00\d+\./);
    }
    expect(await page.evaluate('announcements')).toEqual(
      ['Past 50%', 'Past 80%', 'Past 95%'].map((label) => `One budget needs attention: tight: ${label}`),
    );
  });

  it('signs out as soon as the key is revoked, and leaves nothing on the page', async () => {
    const { key, id } = await makeKey('roomy-test-leaving', 'lead');
    const { page } = await open();
    await dashboard.signIn(key);
    const headers = { authorization: `Bearer ${gateway.adminKey}` };
    await fetch(`${gateway.baseUrl}/openai/v1/api-keys/${id}`, { method: 'DELETE', headers });
    await page.getByRole('alert').getByText('the key has been revoked or has expired').waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    expect(await page.locator('#budgets li, #content td, #content rect').count()).toBe(0);
    expect(await page.locator('#whose').textContent()).toBe('');
  });
});
