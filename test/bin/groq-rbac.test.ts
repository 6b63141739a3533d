import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT_DIR } from '../../local/settings.ts';

const run = (...args: string[]) =>
  spawnSync(process.execPath, [join(PROJECT_DIR, 'bin/groq-rbac.ts'), ...args], {
    encoding: 'utf8',
    // An address where nothing listens: no call may leave this machine.
    env: {
      PATH: process.env.PATH,
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_MAX_ATTEMPTS: '1',
    },
  });

it('explains itself', () => {
  const { status, stdout } = run('--help');
  expect([status, stdout]).toEqual([0, expect.stringContaining('verify')]);
  expect(run().status).toBe(2);
});

it.each([
  [['verfy', '--env', 'dev'], 'error: unknown command "verfy"; did you mean "verify"?; see groq-rbac --help'],
  [['verify'], 'error: --env <environment> is missing; see groq-rbac --help'],
  [
    ['budget', '--local'],
    'error: budget what? The commands are budget show, budget top-up, budget pause, budget resume; see groq-rbac --help',
  ],
  [
    ['keys', 'list', '--tem', 'chatbot'],
    'error: --tem is no option of keys list; did you mean --team? It takes --env, --local, --json, --endpoint, --team, --all.',
  ],
  [
    ['report', '--local', '--team', 'chatbot'],
    'error: --team is no option of report. It takes --env, --local, --endpoint, --week, --weeks, --format, --out.',
  ],
  [
    ['groq-key', 'rotate', '--local', '--team', 'chatbot', '--key', '0123456789ab'],
    'error: --key is no option of groq-key rotate. It takes --env, --local, --json, --team.',
  ],
  [
    ['groq-key', 'stage', 'gsk_pasted_by_mistake', '--local', '--team', 'chatbot'],
    "error: groq-key stage takes no argument beside its options; a key that was typed here stands in your shell's history: make another, and pipe it or use the prompt",
  ],
  [['keys', 'list', 'chatbot'], 'error: keys list takes no argument beside its options; see groq-rbac --help'],
  [
    ['groq-key', 'gsk_pasted_by_mistake'],
    "error: there is no such groq-key command; see groq-rbac --help; a key that was typed here stands in your shell's history: make another, and pipe it or use the prompt",
  ],
  [['keys', 'list', '--team'], "error: Option '--team <value>' argument missing; see groq-rbac --help"],
  [['changes', '--env', 'dev', '--last', 'x'], 'error: --last is "x"; it must be a whole number'],
  [['prove', '--calls', '3'], 'error: --calls is "3"; it must be a whole number from 40 to 10000'],
  [['prove', '--at-once', 'x'], 'error: --at-once is "x"; it must be a whole number from 1 to 200'],
  [['prove', '--processes', '0'], 'error: --processes is "0"; it must be a whole number from 1 to 8'],
  [
    ['prove', '--only', 'kil'],
    'error: --only has "kil"; did you mean "kill"?; the scenarios are whole, streamed, whole-open, streamed-open, disconnects, faults, cap, kill, rollover',
  ],
  [['prove', '--team', 'a'], 'error: --team belongs to a running gateway: name it by --env, or by --local'],
  [['prove', '--env', 'dev'], 'error: --team is missing: name a team that is there for tests; its budget is spent'],
  [
    ['report', '--env', 'dev', '--format', 'hmtl'],
    'error: --format is "hmtl"; did you mean "html"?; it must be one of table, html, csv, json, focus',
  ],
  [['report', '--env', 'dev', '--week', '2026-W54'], 'error: --week is "2026-W54"; the weeks of 2026 are W01 to W53'],
  [['report', '--env', 'dev', '--weeks', 'x'], 'error: --weeks is "x"; it must be a whole number from 1 to 53'],
  [['report'], 'error: --env <environment> is missing, or --local for npm start'],
  [['keys', 'create', '--env', 'dev'], 'error: a member key belongs to a team: name it by --team'],
  [
    ['keys', 'create', '--env', 'dev', '--role', 'king'],
    'error: --role is "king"; it must be one of admin, lead, member, viewer',
  ],
  [['usage', 'rebuild'], 'error: --env <environment> is missing, or --local for npm start'],
  [['usage', 'rebuild', '--env', 'dev', '--adjust'], 'error: --reason is missing: it stands in the audit trail'],
  [
    ['usage', 'rebuild', '--env', 'dev', '--period', '2026-13'],
    'error: --period is "2026-13"; it must be a month such as 2026-11',
  ],
  [
    ['keys', 'revoke', '--env', 'dev', '--reason', 'r', 'x'],
    'error: that is no key and no key id (12 lower-case letters and digits)',
  ],
])('says in one line what is wrong with %j', (args, message) => {
  const { status, stderr, stdout } = run(...args);
  expect([status, stderr.trim(), stdout]).toEqual([2, message, '']);
});

it('says in one line that AWS cannot be reached', () => {
  const { status, stderr } = run('verify', '--env', 'dev');
  expect([status, stderr.trim().split('\n').length]).toEqual([2, 1]);
  expect(stderr).toMatch(/^error: the stack groq-gateway-dev cannot be read: /);
});
