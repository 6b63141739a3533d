import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { DASHBOARD_PATH } from '../host/dashboard-files.ts';
import type { GatewayProcess } from '../host/gateway-process.ts';
import { PROJECT_DIR } from '../settings.ts';
import { CHROMIUM_INSTALL_HINT, findChromium, openChromium } from './chromium.ts';
import { sendCall, startGatewayWithHistory } from './demo-traffic.ts';
import { reportExamples } from './report-example.ts';

/** A picture of a page. */
type Screenshot = {
  readonly file: string;
  readonly width: number;
  /** @default the height of the whole page */
  readonly height?: number;
  readonly colorScheme: 'light' | 'dark';
  /** Opens the page in the state to show. */
  readonly open: (page: Page, gateway: GatewayProcess) => Promise<void>;
};

/** The pictures in docs/. */
const SCREENSHOTS: readonly Screenshot[] = [
  { file: 'dashboard.png', width: 1280, height: 1440, colorScheme: 'light', open: openDashboard },
  { file: 'dashboard-dark.png', width: 1280, height: 1440, colorScheme: 'dark', open: openDashboard },
  { file: 'weekly-report.png', width: 900, colorScheme: 'light', open: openExample('weekly-report.html') },
  { file: 'usage-widget.png', width: 900, height: 390, colorScheme: 'light', open: openExample('usage-widget.html') },
];
/** Further pictures with `--all`, for work on the pages. */
const EXTRA_SCREENSHOTS: readonly Screenshot[] = [
  { file: 'weekly-report-dark.png', width: 900, colorScheme: 'dark', open: openExample('weekly-report.html') },
  { file: 'weekly-report-weeks.png', width: 900, colorScheme: 'light', open: openExample('weekly-report-weeks.html') },
  { file: 'usage-widget-dark.png', width: 900, colorScheme: 'dark', open: openExample('usage-widget-dark.html') },
  { file: 'dashboard-360.png', width: 360, colorScheme: 'light', open: openDashboard },
  { file: 'dashboard-360-dark.png', width: 360, colorScheme: 'dark', open: openDashboard },
  { file: 'dashboard-member.png', width: 1280, colorScheme: 'light', open: openAsMember },
  {
    file: 'dashboard-sign-in.png',
    width: 800,
    colorScheme: 'light',
    open: async (page, { baseUrl }) => {
      await page.goto(baseUrl + DASHBOARD_PATH);
    },
  },
];

/** Opens an example page of {@link reportExamples}. */
function openExample(name: string): Screenshot['open'] {
  return async (page) => await page.setContent(reportExamples()[name] ?? '');
}

async function openDashboard(page: Page, gateway: GatewayProcess): Promise<void> {
  await signIn(page, gateway.baseUrl, gateway.adminKey);
}

async function openAsMember(page: Page, gateway: GatewayProcess): Promise<void> {
  await signIn(page, gateway.baseUrl, gateway.teams.chatbot?.key ?? '');
}

async function signIn(page: Page, baseUrl: string, key: string): Promise<void> {
  await page.goto(baseUrl + DASHBOARD_PATH);
  await page.getByLabel('Gateway key', { exact: true }).fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#week-chart svg').waitFor();
  await page.locator('#keys table').waitFor();
  // Waits until the bars have reached their final lengths.
  await page.waitForFunction('document.getAnimations().every(({ playState }) => playState === "finished")');
}

async function main(args: readonly string[]): Promise<void> {
  const executablePath = findChromium(process.env);
  if (executablePath === undefined) throw new Error(CHROMIUM_INSTALL_HINT);
  const isAll = args.includes('--all');
  const folder = resolve(PROJECT_DIR, args.find((arg) => !arg.startsWith('--')) ?? 'docs');
  mkdirSync(folder, { recursive: true });
  const gateway = await startGatewayWithHistory((day, of) => console.error(`day ${day} of ${of} …`));
  const browser = await openChromium(executablePath);
  try {
    for (const { file, width, height, colorScheme, open } of isAll
      ? [...SCREENSHOTS, ...EXTRA_SCREENSHOTS]
      : SCREENSHOTS) {
      const page = await browser.newPage({ viewport: { width, height: height ?? 900 }, colorScheme });
      await sendCall(gateway, 'research', 'openai/gpt-oss-20b', 100);
      await open(page, gateway);
      await page.screenshot({ path: join(folder, file), fullPage: height === undefined });
      await page.close();
      console.log(join(folder, file));
    }
  } finally {
    await browser.close();
    await gateway.close();
  }
}

await main(process.argv.slice(2));
