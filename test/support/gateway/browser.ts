import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { CHROMIUM_INSTALL_HINT, findChromium, openChromium } from '../../../local/demo/chromium.ts';
import { DASHBOARD_PATH } from '../../../local/host/dashboard-files.ts';

/** The browser for tests; undefined if none is installed, and then tests of pages are skipped. */
export const CHROMIUM = findChromium(process.env);

if (CHROMIUM === undefined) {
  const message = `skipping browser tests: ${CHROMIUM_INSTALL_HINT}`;
  if (process.env.BROWSER_TESTS === 'required') throw new Error(message);
  console.warn(message);
}

/** Starts the browser. */
export async function startBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error(CHROMIUM_INSTALL_HINT);
  return await openChromium(CHROMIUM);
}

/** The length of a key's random part. */
const SECRET_LENGTH = 43;

/** The console message of a browser for a refused request, which a page cannot suppress. */
const REFUSED = /^Failed to load resource: the server responded with a status of (401|403|404) /;

/** The dashboard in a browser context of its own; records its requests and console errors. */
export class DashboardPage {
  readonly page: Page;
  readonly requested: string[] = [];
  readonly consoleErrors: string[] = [];
  readonly #baseUrl: string;

  private constructor(page: Page, baseUrl: string) {
    this.page = page;
    this.#baseUrl = baseUrl;
    page.on('request', (request) => this.requested.push(request.url()));
    page.on('pageerror', (error) => this.consoleErrors.push(String(error)));
    page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type()) || REFUSED.test(message.text())) return;
      this.consoleErrors.push(message.text());
    });
  }

  static async open(
    browser: Browser,
    baseUrl: string,
    options: { readonly width?: number; readonly colorScheme?: 'light' | 'dark' } = {},
  ): Promise<DashboardPage> {
    const { width = 1280, colorScheme = 'light' } = options;
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const dashboard = new DashboardPage(await context.newPage(), baseUrl);
    await dashboard.page.goto(baseUrl + DASHBOARD_PATH);
    return dashboard;
  }

  get field() {
    return this.page.getByLabel('Gateway key', { exact: true });
  }

  async signIn(key: string): Promise<void> {
    await this.field.fill(key);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.locator('#as-of').getByText('Live, as of').waitFor();
  }

  /** The list item of a budget. */
  budget(name: string) {
    return this.page.locator('#budgets li').filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /** The used share of a budget, as its meter's text. */
  async used(name: string): Promise<string> {
    return (await this.budget(name).getByRole('meter').getAttribute('aria-valuetext')) ?? '';
  }

  /** Asserts that there were no errors or requests to other hosts, and that the key leaked nowhere. */
  async expectNoErrorsOrLeaks(key?: string): Promise<void> {
    expect(this.requested.filter((url) => !url.startsWith(`${this.#baseUrl}/`) && !url.startsWith('data:'))).toEqual(
      [],
    );
    expect(this.consoleErrors).toEqual([]);
    expect(await this.page.context().cookies()).toEqual([]);
    expect(await this.page.evaluate('localStorage.length')).toBe(0);
    if (key === undefined) return;
    const secret = key.slice(-SECRET_LENGTH);
    expect(this.requested.filter((url) => url.includes(secret))).toEqual([]);
    expect(await this.page.content()).not.toContain(secret);
    expect(await this.page.evaluate('[...document.querySelectorAll("input")].map(({ value }) => value)')).toEqual(['']);
    expect(await this.page.evaluate('JSON.stringify([location.href, document.title, history.state])')).not.toContain(
      secret,
    );
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
