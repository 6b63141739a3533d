import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../../bin/cli/program.ts';
import { SILENT_PROGRESS } from '../../../bin/progress.ts';

let stdout = '';
let stderr = '';
beforeEach(() => {
  [stdout, stderr] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text;
    return true;
  });
  vi.spyOn(console, 'log').mockImplementation((text) => {
    stdout += text;
  });
  vi.spyOn(console, 'error').mockImplementation((text) => {
    stderr += text;
  });
  vi.stubEnv('DATA_DIR', '/nonexistent');
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const EXPOSED_KEY =
  'A key typed as an argument is now in your shell history: create another one, and pipe it or type it at the prompt.';

describe('a usage error', () => {
  it.each([
    [['verfy', '--env', 'dev'], 'unknown command "verfy"; did you mean "verify"? See: groq-rbac --help'],
    [['verify'], `missing required option '--env <environment>' for "verify". See: groq-rbac verify --help`],
    [['verify', '--env', ''], "option '--env <environment>' needs a value"],
    [
      ['budget', '--local'],
      'missing subcommand for "budget"; one of show, top-up, pause, resume. Options go after the subcommand. See: groq-rbac budget --help',
    ],
    [['keys', 'lst'], 'unknown subcommand "lst" for "keys"; did you mean "list"? See: groq-rbac keys --help'],
    [
      ['--env', 'dev', 'changes'],
      'missing command; one of verify, prove, changes, catalog, budget, keys, audit, groq-key, report, usage. Options go after the command. See: groq-rbac --help',
    ],
    [
      ['keys', 'list', '--tem', 'chatbot'],
      `unknown option '--tem' for "keys list"; did you mean '--team'? See: groq-rbac keys list --help`,
    ],
    [['report', '--local', '--team', 'chatbot'], `unknown option '--team' for "report". See: groq-rbac report --help`],
    [
      ['groq-key', 'rotate', '--local', '--team', 'chatbot', '--key', '0123456789ab'],
      `unknown option '--key' for "groq-key rotate". See: groq-rbac groq-key rotate --help`,
    ],
    [
      ['groq-key', 'stage', 'gsk_pasted_by_mistake', '--local', '--team', 'chatbot'],
      `unexpected argument for "groq-key stage". ${EXPOSED_KEY} See: groq-rbac groq-key stage --help`,
    ],
    [
      ['groq-key', 'set', 'gsk_pasted_by_mistake', '--local'],
      `missing required option '--team <team>' for "groq-key set". ${EXPOSED_KEY} See: groq-rbac groq-key set --help`,
    ],
    [
      ['groq-key', 'gsk_pasted_by_mistake'],
      `unknown subcommand for "groq-key"; one of set, stage, unstage, rotate, status, report, revoke, confirm-deleted. ${EXPOSED_KEY} See: groq-rbac groq-key --help`,
    ],
    [['keys', 'list', 'chatbot'], 'unexpected argument for "keys list". See: groq-rbac keys list --help'],
    [
      ['keys', 'list', '--team'],
      `option '--team <team>' for "keys list" needs a value. See: groq-rbac keys list --help`,
    ],
    [['keys', 'list', '--team', '--json'], "option '--team <team>' needs a value"],
    [['changes', '--env', 'dev', '--last', 'x'], '--last is "x"; it must be a whole number of at least 1'],
    [['prove', '--calls', '3'], '--calls is "3"; it must be a whole number from 40 to 10000'],
    [['prove', '--at-once', 'x'], '--at-once is "x"; it must be a whole number from 1 to 200'],
    [['prove', '--processes', '0'], '--processes is "0"; it must be a whole number from 1 to 8'],
    [
      ['report', '--env', 'dev', '--format', 'hmtl'],
      '--format is "hmtl"; it must be one of table, html, csv, json, focus; did you mean "html"?',
    ],
    [['report', '--env', 'dev', '--weeks', 'x'], '--weeks is "x"; it must be a whole number from 1 to 53'],
    [['report', '--env', 'dev', '--weeks', '0'], '--weeks is "0"; it must be a whole number from 1 to 53'],
    [['report', '--env', 'dev', '--weeks', '1.5'], '--weeks is "1.5"; it must be a whole number from 1 to 53'],
    [['report', '--env', 'dev', '--weeks', '54'], '--weeks is "54"; it must be a whole number from 1 to 53'],
    [
      ['keys', 'create', '--env', 'dev', '--role', 'king'],
      '--role is "king"; it must be one of admin, lead, member, viewer',
    ],
    [
      ['keys', 'create', '--env', 'dev', '--team', 'a', '--endpoints', 'chat,modles'],
      '--endpoints has "modles"; it takes chat, models, budget, usage, keys, audit; did you mean "models"?',
    ],
    [['keys', 'create', '--env', 'dev', '--team', 'a', '--rpm', 'x'], '--rpm is "x"; it must be a number'],
    [
      ['budget', 'top-up', '--local', '--all', '--usd', 'x', '--reason', 'r'],
      '--usd is "x"; it must be dollars such as 50 or 12.50',
    ],
    [['usage', 'rebuild', '--env', 'dev', '--period', '2026-13'], '--period must be a month such as 2026-11'],
    [
      ['keys', 'revoke', '--env', 'dev', '--reason', 'r'],
      'missing required argument <key-or-id> for "keys revoke". See: groq-rbac keys revoke --help',
    ],
    [
      ['keys', 'revoke', '--env', 'dev', 'grk_dev_0123456789ab_secret'],
      `missing required option '--reason <text>' for "keys revoke". See: groq-rbac keys revoke --help`,
    ],
  ])('is one line for %j', async (args, message) => {
    expect(await runCli(args, SILENT_PROGRESS)).toBe(2);
    expect([stderr, stdout]).toEqual([`error: ${message}`, '']);
  });
});

describe('a command that refuses its options', () => {
  it.each([
    [
      ['prove', '--only', 'kil'],
      '--only has "kil"; the scenarios are whole, streamed, whole-open, streamed-open, disconnects, faults, cap, kill, rollover; did you mean "kill"?',
    ],
    [['prove', '--team', 'a'], '--team needs a running gateway: add --env <environment>, or --local'],
    [['prove', '--env', 'dev'], 'missing --team <team>: use a team for tests, because its budget is spent'],
    [['report', '--env', 'dev', '--week', '2026-W54'], '--week is "2026-W54"; the weeks of 2026 are W01 to W53'],
    [['report'], 'missing --env <environment>, or --local for the gateway that npm start runs'],
    [
      ['report', '--local'],
      'no gateway is running on this machine; start one with npm start (and the same DATA_DIR), or use --env',
    ],
    [['budget', 'pause', '--local', '--reason', 'r'], 'specify either --team <team>, or --all for all teams together'],
    [['keys', 'create', '--env', 'dev'], 'a member key belongs to a team; add --team <team>'],
    [['usage', 'rebuild'], 'missing --env <environment>, or --local for the gateway that npm start runs'],
    [
      ['usage', 'rebuild', '--env', 'dev', '--adjust'],
      '--adjust needs --reason <text>, which is recorded in the audit trail',
    ],
    [
      ['keys', 'revoke', '--env', 'dev', '--reason', 'r', 'x'],
      'not a key or a key id; an id has 12 lower-case letters and digits',
    ],
  ])('says why in one line for %j', async (args, message) => {
    expect(await runCli(args, SILENT_PROGRESS)).toBe(2);
    expect([stderr, stdout]).toEqual([`error: ${message}`, '']);
  });
});

describe('help', () => {
  it.each([
    [['keys', 'create', '--help'], /^Usage: groq-rbac keys create \[options\][\s\S]*--purpose <purpose>.*\n.*main/],
    [['help', 'keys', 'create'], /^Usage: groq-rbac keys create \[options\]/],
    [['keys', 'help', 'rotate'], /^Usage: groq-rbac keys rotate \[options\] <key-or-id>/],
    [['budget', '-h'], /^Usage: groq-rbac budget <command> \[options\][\s\S]*top-up/],
    [['help'], /^Usage: groq-rbac <command> \[options\][\s\S]*Exit codes/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
  ])('is printed for %j', async (args, text) => {
    expect(await runCli(args, SILENT_PROGRESS)).toBe(0);
    expect([stdout, stderr]).toEqual([expect.stringMatching(text), '']);
  });
});

it('never repeats a key that was typed by mistake', async () => {
  const key = `grk_dev_0123456789ab_${'s'.repeat(43)}`;
  for (const args of [[key], ['keys', key], ['keys', 'list', key], ['keys', 'list', `--tem=${key}`]]) {
    expect(await runCli(args, SILENT_PROGRESS)).toBe(2);
    expect(stderr).not.toContain('s'.repeat(43));
  }
});
