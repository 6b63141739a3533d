import { readFileSync } from 'node:fs';
import { ConfigError } from '../lambda/kernel/config-error.ts';
import { type LocalGateway, startLocalGateway } from './local-gateway.ts';
import { readSettings, type Settings, StartError } from './settings.ts';

/** npm forwards Ctrl-C. A second signal within this time, in milliseconds, is the same one. */
const SIGNAL_DEBOUNCE_MS = 1_000;
const PARENT_CHECK_MS = 500;

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2), process.env);
  if ('help' in settings) return console.log(settings.help);
  const gateway = await start(settings);
  stopOnSignals(gateway, settings.json);
  if (gateway.warning !== undefined) console.error(`warning: ${gateway.warning}`);
  console.log(settings.json ? summaryLine(gateway) : summaryText(gateway, settings.upstream === undefined));
}

async function start(settings: Settings): Promise<LocalGateway> {
  if (!settings.aws) return await startLocalGateway(settings);
  // Loaded on demand: the emulator needs Python, a local gateway does not.
  const { startEmulatedGateway } = await import('./aws/emulated-gateway.ts');
  // Before the gateway runs, no request can be in flight.
  const abort = () => process.exit(130);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, abort);
  const gateway = await startEmulatedGateway(settings, (title) => {
    if (!settings.json) console.error(`${title} …`);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, abort);
  return gateway;
}

function summaryLine({ baseUrl, adminKey, teams, upstreamUrl }: LocalGateway): string {
  const keys = Object.fromEntries(Object.entries(teams).map(([team, { key }]) => [team, { key }]));
  return JSON.stringify({ baseUrl, adminKey, teams: keys, upstreamUrl });
}

function summaryText(
  { baseUrl, adminKey, teams, upstreamUrl, dashboardUrl, hint }: LocalGateway,
  isFake: boolean,
): string {
  const width = Math.max(...Object.keys(teams).map((team) => team.length), 'admin'.length);
  const rows = Object.entries({ ...teams, admin: { key: adminKey } }).map(
    ([name, { key }]) => `  ${name.padEnd(width)}  ${key}`,
  );
  const first = Object.values(teams).find(({ model }) => model !== undefined);
  const body = JSON.stringify({ model: first?.model, messages: [{ role: 'user', content: 'Hello' }] }).replaceAll(
    "'",
    "'\\''",
  );
  const dashboard = dashboardUrl === undefined ? '' : `\n  dashboard ${dashboardUrl} (sign in with a key)`;
  return `The gateway is running.

  base URL  ${baseUrl}/openai/v1 (openai), ${baseUrl} (groq-sdk)
  upstream  ${isFake ? `a fake Groq at ${upstreamUrl}; set GROQ_API_KEY for the real one` : upstreamUrl}${dashboard}

Keys:
${rows.join('\n')}

Try it:
  curl ${baseUrl}/openai/v1/chat/completions -H 'Authorization: Bearer ${first?.key}' -H 'content-type: application/json' -d '${body}'
${hint === undefined ? '' : `\n${hint}\n`}
Ctrl-C stops it once requests in flight have settled.`;
}

function stopOnSignals(gateway: LocalGateway, quiet: boolean): void {
  let stoppingSinceMs: number | undefined;
  const stop = (): void => {
    if (stoppingSinceMs !== undefined) {
      if (performance.now() - stoppingSinceMs > SIGNAL_DEBOUNCE_MS) process.exit(130);
      return;
    }
    stoppingSinceMs = performance.now();
    if (!quiet) console.error('\nStopping: requests in flight finish and settle first. Ctrl-C again to stop at once.');
    gateway.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (process.env.npm_lifecycle_event !== undefined) exitWithParent();
}

/** Exits when npm was killed: it forwards no SIGKILL, and an orphaned gateway would keep the port and the data folder. */
function exitWithParent(): void {
  const initial = parentProcesses();
  setInterval(() => {
    if (parentProcesses() !== initial) process.exit(1);
  }, PARENT_CHECK_MS).unref();
}

/** Ids of the parent, which is the shell of npm's script, and of its parent, npm, where /proc shows it. */
function parentProcesses(): string {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    // The name is in parentheses and may contain spaces. The parent's id is the second field after it.
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(')')).split(' ')[2]}`;
  } catch {
    return String(process.ppid);
  }
}

function fail(error: unknown): void {
  const expected = error instanceof StartError || error instanceof ConfigError;
  console.error(expected ? `error: ${error.message}` : error);
  process.exit(1);
}

main().catch(fail);
