import axe, { type AxeResults } from 'axe-core';
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

let gateway: GatewayProcess;
let browser: Browser;
let dashboard: DashboardPage;

/** Finds accessibility violations of the page. */
async function findAccessibilityFaults(): Promise<readonly string[]> {
  await dashboard.page.evaluate(axe.source);
  const tags = "{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }";
  const { violations, passes } = (await dashboard.page.evaluate(`axe.run(document, ${tags})`)) as AxeResults;
  expect(passes.length).toBeGreaterThan(10);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** Horizontal overflow of the page in pixels. */
async function horizontalOverflow(): Promise<unknown> {
  return await dashboard.page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

const GROQ_KEYS = {
  object: 'list',
  data: [
    ['roomy', 'aaaaaaaaaaaa', 'current', 41],
    ['roomy', 'bbbbbbbbbbbb', 'replaced', 3],
    ['roomy', 'cccccccccccc', 'staged', 0],
    ['tight', 'dddddddddddd', 'current', 7],
  ].map(([team, key_id, state, requests_24h]) => ({
    ...{ team, key_id, state, requests_24h, name: `${team}-test-gateway-${state}` },
    ...{ created_at: '2026-11-01T00:00:00Z', current_from: '2026-11-02T00:00:00Z', staged_at: '2026-11-03T00:00:00Z' },
  })),
};

describe.skipIf(CHROMIUM === undefined)('the local page', () => {
  beforeAll(async () => {
    const { roomy } = roomyEnvironment().teams;
    const environment = { teams: { roomy, tight: { ...roomy, monthlyBudgetUsd: 0.0004 } } };
    [gateway, browser] = await Promise.all([startGatewayProcess({ environment }), startBrowser()]);
    const messages = [{ role: 'user', content: '[tokens:1000]' }];
    for (const team of ['roomy', 'tight']) {
      const key = gateway.teams[team]?.key ?? '';
      expect((await postChat(gateway, key, { messages, max_tokens: 1_000 })).status).toBe(200);
      await waitForSettledUsage(gateway, key);
    }
  });
  afterAll(async () => {
    await browser.close();
    await gateway.close();
  });
  afterEach(() => dashboard.close());

  it.each(['light', 'dark'] as const)('has no accessibility violations in %s colours', async (colorScheme) => {
    dashboard = await DashboardPage.open(browser, gateway.baseUrl, { colorScheme });
    expect(await findAccessibilityFaults()).toEqual([]);
    await dashboard.field.fill('wrong');
    await dashboard.page.keyboard.press('Enter');
    await dashboard.page.getByRole('alert').getByText('rejects this key').waitFor();
    expect(await findAccessibilityFaults()).toEqual([]);
    await dashboard.page.route('**/openai/v1/groq-keys', (route) => route.fulfill({ json: GROQ_KEYS }));
    await dashboard.signIn(gateway.adminKey);
    await dashboard.page.getByText('Each day as a table').click();
    await dashboard.page.locator('#groq-keys table').waitFor();
    expect(await findAccessibilityFaults()).toEqual([]);
    await dashboard.page.setViewportSize({ width: 320, height: 640 });
    await dashboard.page.reload();
    await dashboard.page.locator('#keys[tabindex="0"] table').waitFor();
    expect(await findAccessibilityFaults()).toEqual([]);
    await dashboard.expectNoErrorsOrLeaks(gateway.adminKey);
  });

  it.each([320, 360, 640, 1280])('fits a window %d pixels wide', async (width) => {
    dashboard = await DashboardPage.open(browser, gateway.baseUrl, { width });
    expect(await horizontalOverflow()).toBe(0);
    await dashboard.signIn(gateway.adminKey);
    await dashboard.page.locator('#keys table').waitFor();
    expect(await horizontalOverflow()).toBe(0);
    // Text at twice the size, which users with low vision set.
    await dashboard.page.evaluate('document.documentElement.style.fontSize = "200%"');
    expect(await horizontalOverflow()).toBe(0);
  });

  it('reports an unreachable gateway, backs off, and recovers when it is back', async () => {
    dashboard = await DashboardPage.open(browser, gateway.baseUrl);
    const { page } = dashboard;
    await dashboard.signIn(gateway.adminKey);
    await page.context().setOffline(true);
    await page
      .locator('#connection')
      .getByText('The gateway does not respond. The figures below may be out of date.')
      .waitFor();
    await page.locator('#as-of').getByText('Retrying in 4 s').waitFor();
    await page.locator('#as-of').getByText('Retrying in 8 s').waitFor();
    // The last figures and the key are kept.
    expect(await page.locator('#budgets .name').allTextContents()).toEqual(['Organisation', 'roomy', 'tight']);
    await page.context().setOffline(false);
    await page.locator('#as-of').getByText('Live, as of').waitFor();
    expect(await page.locator('#connection').textContent()).toBe('');
  });

  it('sends no requests while it is paused or hidden, and refreshes at once afterwards', async () => {
    dashboard = await DashboardPage.open(browser, gateway.baseUrl);
    const { page, requested } = dashboard;
    await page.clock.install();
    await dashboard.signIn(gateway.adminKey);
    const asked = () => requested.filter((url) => url.endsWith('/budget')).length;
    const setHidden = async (isHidden: boolean) =>
      await page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`,
      );
    for (const [stop, goOn] of [
      [() => page.getByRole('button', { name: 'Pause updates' }).click(), () => page.locator('#pause').click()],
      [() => setHidden(true), () => setHidden(false)],
    ] as const) {
      await stop();
      // A request in flight may still have completed.
      await page.waitForLoadState('networkidle');
      const before = asked();
      await page.clock.runFor(120_000);
      expect(asked()).toBe(before);
      await goOn();
      await expect.poll(asked).toBe(before + 1);
    }
    await page.clock.runFor(2_000);
    await page.locator('#as-of').getByText('Live, as of').waitFor();
  });

  it('shows refusals by reason if the gateway counts them, and any name as plain text', async () => {
    dashboard = await DashboardPage.open(browser, gateway.baseUrl);
    const { page } = dashboard;
    const evil = '<img src=x onerror="document.title=1">';
    await page.route('**/openai/v1/usage?**', async (route) => {
      const answer = await (await route.fetch()).json();
      const [row] = answer.data;
      const refusals = { model_not_allowed: 3, team_budget_exceeded: 5, a_new_code: 1 };
      await route.fulfill({ json: { ...answer, data: [...answer.data, { ...row, team: evil, refusals }] } });
    });
    await dashboard.signIn(gateway.adminKey);
    const rows = page.locator('#refusals tbody tr');
    await rows.first().waitFor();
    expect((await rows.allInnerTexts()).map((text) => text.split(/\s*[\t\n]\s*/))).toEqual([
      ['The team’s budget is too low for the call', 'team_budget_exceeded', '5', '5', evil],
      ['The team may not use the model', 'model_not_allowed', '3', '3', evil],
      ['Refused', 'a_new_code', '1', '1', evil],
    ]);
    expect(await page.locator('#content img').count()).toBe(0);
    expect(await page.title()).toBe('Groq gateway: budgets and usage');
    await dashboard.expectNoErrorsOrLeaks(gateway.adminKey);
  });

  it('shows the rotation of Groq keys, or that the gateway does not support it', async () => {
    dashboard = await DashboardPage.open(browser, gateway.baseUrl);
    const { page } = dashboard;
    await page.route('**/openai/v1/groq-keys', (route) => route.fulfill({ status: 404, json: {} }));
    await dashboard.signIn(gateway.adminKey);
    await page.locator('#groq-keys-note').getByText('This gateway does not support this yet.').waitFor();
    await page.unroute('**/openai/v1/groq-keys');
    await page.route('**/openai/v1/groq-keys', (route) => route.fulfill({ json: GROQ_KEYS }));
    await page.reload();
    const cell = page.locator('#groq-keys tbody td:nth-of-type(2)');
    await cell.first().waitFor();
    expect(await cell.locator('.label').allTextContents()).toEqual(['current', 'previous', 'staged', 'current']);
    expect(await page.locator('#groq-keys-note').textContent()).toBe('No key is staged for tight');
  });
});
