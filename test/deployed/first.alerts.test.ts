import { expect, it } from 'vitest';
import { ALERT_USD, WATCHED_CALLS, WATCHED_TEAM } from '../../local/aws/rehearsal-environment.ts';
import { postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';
import { readAlarmStates } from '../support/stack/alarm-states.ts';
import { sweep, sweepUntil } from '../support/stack/deployed-sweep.ts';

const target = requireDeployed();
const PREFIX = `groq-gateway-${target.environmentName}-`;
/** The stream of the ledger is some seconds behind, and more on a busy machine. */
const DELIVERY_TIMEOUT_MS = 60_000;

/** The bodies that the rehearsal's subscriber has received at a path. It subscribes before the first call. */
async function receivedBodies(path: string): Promise<readonly string[]> {
  return (await (await fetch(target.alertsUrl + path)).json()) as readonly string[];
}

/** The messages of a topic: the text of an alert or of a function's notification, the name and state of an alarm. */
async function messages(path: string): Promise<readonly string[]> {
  return (await receivedBodies(path)).map((body) => {
    const { Message } = JSON.parse(body) as { Message: string };
    // Notifications of functions are not JSON.
    if (!/^[{"]/.test(Message)) return Message;
    const content: unknown = JSON.parse(Message);
    if (typeof content === 'string') return content;
    const { AlarmName, NewStateValue } = content as { AlarmName: string; NewStateValue: string };
    return `${NewStateValue} ${AlarmName.replace(PREFIX, '')}`;
  });
}

/** The threshold of each alert about the watched team, in percent. */
async function alertedPercents(path: string): Promise<readonly (string | undefined)[]> {
  const alerts = (await messages(path)).filter((text) => text.includes(`Team ${WATCHED_TEAM} `));
  return alerts.map((text) => /: (\d+) % passed/.exec(text)?.[1]);
}

/** The titles of the webhook's messages about the watched team. */
async function webhookTitles(): Promise<readonly string[]> {
  const titles = (await receivedBodies('/webhook')).map((body) => JSON.parse(body).blocks[0].text.text as string);
  return titles.filter((title) => title.includes(`team ${WATCHED_TEAM} `));
}

async function spend(calls: number): Promise<void> {
  const body = { messages: [{ role: 'user', content: '[tokens:50]' }], max_tokens: 50 };
  for (let made = 0; made < calls; made++)
    expect((await postChat(target, target.teams[WATCHED_TEAM]?.key ?? '', body)).status).toBe(200);
}

it('turns each alarm, and delivers each notification exactly once, as a team spends past 50, 80 and 95 %', async () => {
  const teamAlarms = async () => {
    const states = await readAlarmStates(`${PREFIX}team-budget-${WATCHED_TEAM}-`);
    return [50, 80, 95].map((percent) => states[`${PREFIX}team-budget-${WATCHED_TEAM}-${percent}`]);
  };
  const delivered: string[] = [];
  const steps = [
    { percent: 50, alarms: ['ALARM', 'OK', 'OK'] },
    { percent: 80, alarms: ['ALARM', 'ALARM', 'OK'] },
    { percent: 95, alarms: ['ALARM', 'ALARM', 'ALARM'] },
  ];
  let made = 0;
  for (const { percent, alarms } of steps) {
    const due = (WATCHED_CALLS * percent) / 100;
    // One call below the threshold: no notification yet.
    await spend(due - 1 - made);
    await sweep();
    expect(await alertedPercents('/team')).toEqual(delivered);
    await spend(1);
    made = due;
    delivered.push(String(percent));
    await expect.poll(() => alertedPercents('/team'), { timeout: DELIVERY_TIMEOUT_MS }).toEqual(delivered);
    await expect.poll(webhookTitles, { timeout: DELIVERY_TIMEOUT_MS }).toHaveLength(delivered.length);
    await sweepUntil(teamAlarms, alarms);
  }
  for (let again = 0; again < 3; again++) await sweep();
  const levels = ['INFO', 'WARN', 'ALERT'];
  expect(await webhookTitles()).toEqual(
    delivered.map(
      (percent, index) => `${levels[index]}: team ${WATCHED_TEAM} at ${percent}% in ${target.environmentName}`,
    ),
  );
  expect([await alertedPercents('/team'), await alertedPercents('/operators')]).toEqual([delivered, delivered]);
  const alarmed = (await messages('/operators')).filter((text) => text.includes(`team-budget-${WATCHED_TEAM}-`));
  expect(alarmed).toEqual(delivered.map((percent) => `ALARM team-budget-${WATCHED_TEAM}-${percent}`));
});

it("notifies once of all teams' spending past an amount, and turns its alarm", async () => {
  const alarm = `organization-spend-${ALERT_USD}`;
  await sweepUntil(() => readAlarmStates(PREFIX + alarm), { [PREFIX + alarm]: 'ALARM' });
  const alerts = async () =>
    (await messages('/operators')).filter((text) => text.includes(`$${ALERT_USD} passed`)).length;
  await expect.poll(alerts, { timeout: DELIVERY_TIMEOUT_MS }).toBe(1);
  await sweep();
  const alarms = (await messages('/operators')).filter((text) => text === `ALARM ${alarm}`).length;
  expect([await alerts(), alarms]).toEqual([1, 1]);
  // A team's own recipients are not notified about all teams.
  expect((await messages('/team')).filter((text) => text.includes('All teams'))).toEqual([]);
});
