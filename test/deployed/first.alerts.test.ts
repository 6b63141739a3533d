import { CreateSecretCommand, DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  GetSubscriptionAttributesCommand,
  ListSubscriptionsByTopicCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ALERT_USD, WATCHED_CALLS, WEBHOOK_SECRET } from '../../local/aws/rehearsal-environment.ts';
import { postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';
import { readAlarmStates } from '../support/stack/alarm-states.ts';
import { invokeFunction } from '../support/stack/deployed-function.ts';
import { findPhysicalId } from '../support/stack/stack-resources.ts';
import { type Subscriber, startSubscriber } from '../support/stack/subscriber.ts';

const target = requireDeployed();
const TEAM = 'watched';
const PREFIX = `groq-gateway-${target.environmentName}-`;
/** The stream is some seconds behind, on a busy machine more. */
const DELIVERY_TIMEOUT_MS = 60_000;

const sns = new SNSClient({});
const secrets = new SecretsManagerClient({});
let subscriber: Subscriber;

async function subscribe(TopicArn: string, path: string): Promise<void> {
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: subscriber.url(path) }));
  const isConfirmed = async () => {
    const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    const own = Subscriptions.find(({ Endpoint }) => Endpoint === subscriber.url(path))?.SubscriptionArn ?? '';
    if (!own.startsWith('arn:')) return false;
    const { Attributes } = await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn: own }));
    return Attributes?.PendingConfirmation === 'false';
  };
  await vi.waitFor(async () => expect(await isConfirmed()).toBe(true), { timeout: DELIVERY_TIMEOUT_MS, interval: 200 });
}

beforeAll(async () => {
  subscriber = await startSubscriber();
  const SecretString = subscriber.url('/webhook');
  await secrets.send(new CreateSecretCommand({ Name: WEBHOOK_SECRET, SecretString }));
  await subscribe(await findPhysicalId(target.stackName, 'AWS::SNS::Topic', 'AlarmsTopic'), '/operators');
  const teamStack = await findPhysicalId(target.stackName, 'AWS::CloudFormation::Stack', `Team${TEAM}`);
  await subscribe(await findPhysicalId(teamStack, 'AWS::SNS::Topic', 'AlertsTopic'), '/team');
}, 180_000);
afterAll(async () => {
  await secrets.send(new DeleteSecretCommand({ SecretId: WEBHOOK_SECRET, ForceDeleteWithoutRecovery: true }));
  await subscriber.close();
});

/** The messages of a topic: alerts and what functions tell as the text they are, an alarm's as its name and state. */
const messages = (path: string) =>
  subscriber.bodies(path).map((body) => {
    const { Message } = JSON.parse(body) as { Message: string };
    // What functions tell themselves is no JSON.
    if (!/^[{"]/.test(Message)) return Message;
    const content: unknown = JSON.parse(Message);
    if (typeof content === 'string') return content;
    const { AlarmName, NewStateValue } = content as { AlarmName: string; NewStateValue: string };
    return `${NewStateValue} ${AlarmName.replace(PREFIX, '')}`;
  });
/** What share each message of the team's is about. */
const shares = (path: string) =>
  messages(path)
    .filter((text) => text.includes(`Team ${TEAM} `))
    .map((text) => /: (\d+) % passed/.exec(text)?.[1]);
const posted = () =>
  subscriber
    .bodies('/webhook')
    .map((body) => JSON.parse(body).blocks[0].text.text as string)
    .filter((title) => title.includes(`team ${TEAM} `));
const sweep = async () =>
  expect(await invokeFunction(target.stackName, 'SweeperFunction')).toMatchObject({ status: 200, error: null });

async function spend(calls: number): Promise<void> {
  const body = { messages: [{ role: 'user', content: '[tokens:50]' }], max_tokens: 50 };
  for (let made = 0; made < calls; made++)
    expect((await postChat(target, target.teams[TEAM]?.key ?? '', body)).status).toBe(200);
}

it('turns each alarm, and delivers each notification exactly once, as a team spends past 50, 80 and 95 %', async () => {
  const teamAlarms = async () => {
    const states = await readAlarmStates(`${PREFIX}team-budget-${TEAM}-`);
    return [50, 80, 95].map((share) => states[`${PREFIX}team-budget-${TEAM}-${share}`]);
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
    expect(shares('/team')).toEqual(delivered);
    await spend(1);
    made = due;
    delivered.push(String(percent));
    await expect.poll(() => shares('/team'), { timeout: DELIVERY_TIMEOUT_MS }).toEqual(delivered);
    await expect.poll(posted, { timeout: DELIVERY_TIMEOUT_MS }).toHaveLength(delivered.length);
    await sweep();
    expect(await teamAlarms()).toEqual(alarms);
  }
  for (let again = 0; again < 3; again++) await sweep();
  const levels = ['INFO', 'WARN', 'ALERT'];
  expect(posted()).toEqual(
    delivered.map((percent, index) => `${levels[index]}: team ${TEAM} at ${percent}% in ${target.environmentName}`),
  );
  expect([shares('/team'), shares('/operators')]).toEqual([delivered, delivered]);
  const fired = messages('/operators').filter((text) => text.includes(`team-budget-${TEAM}-`));
  expect(fired).toEqual(delivered.map((percent) => `ALARM team-budget-${TEAM}-${percent}`));
});

it("tells once of all teams' spending past an amount, and turns its alarm", async () => {
  await sweep();
  const alarm = `organization-spend-${ALERT_USD}`;
  expect(await readAlarmStates(PREFIX + alarm)).toEqual({ [PREFIX + alarm]: 'ALARM' });
  const ofAll = () => messages('/operators').filter((text) => text.includes(`$${ALERT_USD} passed`));
  await expect.poll(ofAll, { timeout: DELIVERY_TIMEOUT_MS }).toHaveLength(1);
  await sweep();
  expect([ofAll().length, messages('/operators').filter((text) => text === `ALARM ${alarm}`).length]).toEqual([1, 1]);
  // Of all teams together the people of one hear nothing.
  expect(messages('/team').filter((text) => text.includes('All teams'))).toEqual([]);
});
