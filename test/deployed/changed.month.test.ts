import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { MS_PER_DAY, periodEndEpochMs } from '../../lambda/kernel/period.ts';
import { PROJECT_DIR } from '../../local/settings.ts';
import { requireDeployed } from '../support/gateway/target.ts';
import { readAlarmStates } from '../support/stack/alarm-states.ts';
import { withEnvironmentVariables } from '../support/stack/deployed-function.ts';
import { sweepUntil } from '../support/stack/deployed-sweep.ts';

const target = requireDeployed();
const PREFIX = `groq-gateway-${target.environmentName}-`;
const budgetAlarms = async () => ({
  ...(await readAlarmStates(`${PREFIX}team-budget-`)),
  ...(await readAlarmStates(`${PREFIX}organization-`)),
});
const alarmsInAlarm = async () =>
  Object.entries(await budgetAlarms())
    .filter(([, state]) => state === 'ALARM')
    .map(([name]) => name.replace(PREFIX, ''));

it('keeps budget alarms in their state without any call, and clears them in a new month', async () => {
  const spent = ['team-budget-watched-50', 'team-budget-watched-80', 'team-budget-watched-95'];
  await sweepUntil(alarmsInAlarm, expect.arrayContaining(spent));
  // The third day of the next month: on the first, the sweep still looks at the month before.
  const shiftMs = periodEndEpochMs(Date.now()) + 2 * MS_PER_DAY - Date.now();
  const clock = pathToFileURL(join(PROJECT_DIR, 'bin/prove/shifted-clock.ts')).href;
  const shifted = ({ NODE_OPTIONS = '' }) => ({
    NODE_OPTIONS: `${NODE_OPTIONS} --import ${clock}`,
    PROVE_CLOCK_SHIFT_MS: String(shiftMs),
  });
  await withEnvironmentVariables('SweeperFunction', shifted, async () => {
    await sweepUntil(alarmsInAlarm, []);
    expect(Object.keys(await budgetAlarms()).length).toBeGreaterThan(spent.length);
  });
});
