#!/usr/bin/env node
import { redactKeys } from '../lambda/kernel/key-redaction.ts';
import { type CommandLine, parseCommandLine } from './command-line.ts';
import type { BudgetOptions } from './commands/budget.ts';
import { CommandError } from './deployment.ts';
import { showProgress } from './progress.ts';

const HELP = `npx groq-rbac <command> [--env <environment>]

  verify    probes a deployed environment and writes a report; exit 1 when anything falls short
              [--endpoint URL] [--out DIR] [--quick] [--json]
  prove     attacks budgets, and writes a report with a chart; exit 1 when one is overspent or under 95 % usable.
              Without --env it starts a gateway of its own, with a fake Groq: nothing leaves this machine
              [--processes 2] [--calls 200] [--at-once 50] [--only SCENARIO,…] [--out DIR] [--json]
              --env or --local, with --team TEAM: attacks a running gateway on the budget of a team that is there for
              tests; --upstream URL of its fake Groq, if it has one
  changes   what the last deployments changed, and why it matters   [--last N]
  keys create   makes a key and prints it once, to standard output   --team TEAM [--role member] [--purpose main]
              roles: member calls models, viewer reads usage, lead is a team's; --role admin, without a team, is the
              organisation's. Narrower than its team: [--models A,B] [--endpoints chat,models] [--rpm 10] [--tpm 1000]
              [--usd 5] [--expires 30d | 2026-12-31]
  keys list     keys, with what they were used for; never the secret   [--team TEAM] [--all: those that ended, too]
  keys rotate   KEY-OR-ID   makes the next key; both work for a while   [--overlap 24: hours] [--reason TEXT]
  keys revoke   KEY-OR-ID --reason TEXT   (the id is a key's third part: grk_<environment>_<id>_…)
  keys leaked   KEY-OR-ID --reason TEXT   revokes it at once, makes another with its rights, and says what to tell the
              team   [--with-made: revokes what it had made, too]
  keys whoami   as whom you act
              A new key goes to standard output alone, to [--out-file FILE] or into Secrets Manager [--secret NAME]
  groq-key set     a team's first Groq key, from a prompt without an echo or from standard input   --team TEAM [--name NAME]
  groq-key stage   puts a key into the queue of the team's next ones   --team TEAM [--name NAME: its name in Groq's console]
  groq-key rotate  makes the next key current; both work for a day at least   --team TEAM
  groq-key status  keys, how they stand, what was sent with them, how many wait   --team TEAM
  groq-key report  a rotation's timeline and calls, as Markdown   --team TEAM [--key ID]
  groq-key revoke  switches the current key off now, goes on with the next, says what was lost   --team TEAM --reason TEXT [--key ID]
  groq-key unstage, confirm-deleted   takes a key out of the queue; says it is deleted at Groq   --team TEAM --key ID
  audit list    administrative acts, the newest first   [--month 2026-11] [--limit 100]
  report    what a week came to by team: cost, change, tokens, top model, budget, projection   [--week 2026-W47: the last
              whole one by default] [--weeks N up to it] [--format table|html|csv|json|focus] [--out FILE]
              With --endpoint by a lead's, a viewer's or an admin's key
  budget show   what teams have spent, hold and have left   [--team TEAM] [--json]
  budget top-up   adds to a budget for a while, this month's end at most   --team TEAM | --all  --usd 50 --reason TEXT
              [--until 4h | 2026-11-30T18:00Z]; --all adds to the cap of all teams together
  budget pause    stops a team, or all, from the next call on   --team TEAM | --all  --reason TEXT [--until …]
  budget resume   lets them go on   --team TEAM | --all  --reason TEXT
  usage rebuild   counts what the ledger's stream still tells (24 hours) and the usage lacks; exit 1 when something lacks
              then   [--period 2026-11] [--team TEAM] [--adjust --reason TEXT: writes that down as unattributed]

Each needs --env, and acts with the AWS credentials at hand (AWS_PROFILE, AWS_REGION) on the stack
groq-gateway-<environment>; keys, groq-key, audit, report, budget and usage take --local instead, for the gateway that npm
start runs here, and prove starts gateways of its own without either. keys, audit and report also act by a key over HTTP:
--endpoint URL, and an admin's, a lead's or a member's key in GROQ_RBAC_KEY. All but report and changes take --json.`;

const BUDGET_COMMANDS = ['budget show', 'budget top-up', 'budget pause', 'budget resume'];
const ADMIN_COMMANDS = [
  'keys create',
  'keys list',
  'keys rotate',
  'keys revoke',
  'keys leaked',
  'keys whoami',
  'audit list',
];
const GROQ_KEY_COMMANDS = [
  'groq-key set',
  'groq-key stage',
  'groq-key rotate',
  'groq-key status',
  'groq-key report',
  'groq-key revoke',
  'groq-key unstage',
  'groq-key confirm-deleted',
];
/** Where reports of a proof or a validation are written by default. */
const REPORTS = 'reports';
const progress = showProgress(process.stderr, process.env);

async function main(): Promise<number> {
  const { command, values, argument } = parseCommandLine(process.argv.slice(2));
  if (values.help || command === '') {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const options = {
    ...values,
    env: values.env,
    team: values.team,
    usd: values.usd,
    until: values.until,
    reason: values.reason,
  };
  if (BUDGET_COMMANDS.includes(command)) {
    await operateBudget(command, options);
    return 0;
  }
  if (ADMIN_COMMANDS.includes(command)) {
    await administer(command, values, argument);
    return 0;
  }
  if (GROQ_KEY_COMMANDS.includes(command)) {
    const { operateGroqKeys } = await import('./commands/groq-key-commands.ts');
    await operateGroqKeys(command, { ...options, name: values.name, key: values.key });
    return 0;
  }
  if (command === 'usage rebuild') {
    const { rebuildUsage } = await import('./commands/usage.ts');
    return (await rebuildUsage({ ...options, period: values.period }, progress)) ? 0 : 1;
  }
  if (command === 'prove') {
    const { env, team, upstream, only, out = REPORTS } = values;
    const { prove } = await import('./commands/prove.ts');
    return (await prove({ ...values, env, team, upstream, only, out }, progress)) ? 0 : 1;
  }
  switch (command) {
    case 'verify': {
      const env = required(values.env, '--env <environment>');
      // Loaded when asked for: each command brings SDK clients of its own.
      const { verify } = await import('./commands/verify.ts');
      const { endpoint, out = REPORTS } = values;
      const holds = await verify({ ...values, env, endpoint, out }, progress);
      return holds ? 0 : 1;
    }
    case 'report': {
      const { env, endpoint, week, out } = values;
      await (await import('./commands/report.ts')).printReport({ ...values, env, endpoint, week, out }, progress);
      return 0;
    }
    default: {
      const last = Number(values.last);
      if (!Number.isInteger(last) || last < 1)
        throw new CommandError(`--last is "${values.last}"; it must be a whole number`);
      const env = required(values.env, '--env <environment>');
      await (await import('./commands/changes.ts')).printChanges(env, last);
      return 0;
    }
  }
}

type Values = CommandLine['values'];

async function administer(command: string, values: Values, argument: string | undefined): Promise<void> {
  // Absent options are there as undefined: each is a choice.
  const named = <K extends keyof Values>(...names: K[]) =>
    Object.fromEntries(names.map((name) => [name, values[name]])) as {
      [N in K]: Exclude<Values[N], undefined> | undefined;
    };
  const where = { ...named('env', 'endpoint', 'secret'), local: values.local, json: values.json };
  const options = { ...where, outFile: values['out-file'] };
  const keyOrId = () => required(argument, 'a key or its id');
  if (command === 'audit list')
    return await (await import('./commands/audit.ts')).listAudit({ ...options, ...named('month', 'limit') });
  const keys = await import('./commands/keys.ts');
  switch (command) {
    case 'keys create': {
      const limits = named('team', 'models', 'endpoints', 'rpm', 'tpm', 'usd', 'expires');
      return await keys.createKey({ ...options, ...limits, role: values.role, purpose: values.purpose });
    }
    case 'keys list':
      return await keys.listKeys({ ...options, team: values.team, all: values.all });
    case 'keys rotate':
      return await keys.rotateKey({ ...options, overlap: values.overlap }, keyOrId(), values.reason);
    case 'keys leaked': {
      const withMade = values['with-made'];
      const { replaceLeakedKey } = await import('./commands/leaked-key.ts');
      return await replaceLeakedKey({ ...options, withMade }, keyOrId(), required(values.reason, '--reason'));
    }
    case 'keys revoke':
      return await keys.revokeKey(options, keyOrId(), required(values.reason, '--reason'));
    default:
      return await keys.whoami(options);
  }
}

async function operateBudget(command: string, options: BudgetOptions): Promise<void> {
  const { showBudgets, topUpBudget, pauseBudget, resumeBudget } = await import('./commands/budget.ts');
  switch (command) {
    case 'budget show':
      return await showBudgets(options);
    case 'budget top-up':
      return await topUpBudget(options);
    case 'budget pause':
      return await pauseBudget(options);
    default:
      return await resumeBudget(options);
  }
}

function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new CommandError(`${name} is missing; see groq-rbac --help`);
  return value;
}

main()
  .finally(() => progress.end())
  .then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const isExpected = error instanceof CommandError;
      const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
      // What was mistyped is shown again, and may be a key.
      console.error(redactKeys(isExpected ? `error: ${message}` : `error: ${name}: ${message.split('\n')[0]}`));
      process.exitCode = isExpected ? 2 : 1;
    },
  );
