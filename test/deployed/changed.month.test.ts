import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { MS_PER_DAY, periodEndEpochMs } from '../../lambda/kernel/period.ts';
import { PROJECT_DIR } from '../../local/settings.ts';
import { requireDeployed } from '../support/gateway/target.ts';
import { readAlarmStates } from '../support/stack/alarm-states.ts';
import { invokeFunction, withEnvironmentVariables } from '../support/stack/deployed-function.ts';

const target = requireDeployed();
const PREFIX = `groq-gateway-${target.environmentName}-`;
const sweep = async () =>
  expect(await invokeFunction(target.stackName, 'SweeperFunction')).toMatchObject({ status: 200, error: null });
const budgetAlarms = async () => ({
  ...(await readAlarmStates(`${PREFIX}team-budget-`)),
  ...(await readAlarmStates(`${PREFIX}organization-`)),
});
const firing = async () =>
  Object.entries(await budgetAlarms())
    .filter(([, state]) => state === 'ALARM')
    .map(([name]) => name.replace(PREFIX, ''));

it('holds what alarms say of budgets while nobody calls, and clears it with a new month', async () => {
  await sweep();
  const spent = ['team-budget-watched-50', 'team-budget-watched-80', 'team-budget-watched-95'];
  expect(await firing()).toEqual(expect.arrayContaining(spent));
  // On the third day: the sweep of the first looks at the month before, too.
  const shiftMs = periodEndEpochMs(Date.now()) + 2 * MS_PER_DAY - Date.now();
  const clock = pathToFileURL(join(PROJECT_DIR, 'bin/prove/shifted-clock.ts')).href;
  const moved = ({ NODE_OPTIONS = '' }) => ({
    NODE_OPTIONS: `${NODE_OPTIONS} --import ${clock}`,
    PROVE_CLOCK_SHIFT_MS: String(shiftMs),
  });
  await withEnvironmentVariables(target.stackName, 'SweeperFunction', moved, async () => {
    await sweep();
    expect(await firing()).toEqual([]);
    expect(Object.keys(await budgetAlarms()).length).toBeGreaterThan(spent.length);
  });
});
