import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  GetSubscriptionAttributesCommand,
  ListSubscriptionsByTopicCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import type { AwsClientConfig } from '../emulator/emulator-environment.ts';
import { WATCHED_TEAM, WEBHOOK_SECRET } from './rehearsal-environment.ts';
import { findPhysicalId } from './stack-resources.ts';

/**
 * Server on loopback that receives a deployment's alerts, each kind at a path of its own: /operators, /team and /webhook.
 * GET of a path returns the received bodies as a JSON array, in their order.
 */
export type AlertSubscriber = { readonly url: string };

const CONFIRMATION_TIMEOUT_MS = 60_000;
const CONFIRMATION_POLL_MS = 200;

/**
 * Starts a subscriber and subscribes it to everything that an environment notifies. An alert is delivered once, to whoever
 * is subscribed at that moment, so this must happen before the first call can spend anything.
 */
export async function subscribeToAlerts(stackName: string, config: AwsClientConfig): Promise<AlertSubscriber> {
  const subscriber = await startServer(config.endpoint);
  const cloudFormation = new CloudFormationClient(config);
  const secrets = new SecretsManagerClient(config);
  const sns = new SNSClient(config);
  const SecretString = `${subscriber.url}/webhook`;
  await secrets.send(new CreateSecretCommand({ Name: WEBHOOK_SECRET, SecretString }));
  const operators = await findPhysicalId(cloudFormation, stackName, 'AWS::SNS::Topic', 'AlarmsTopic');
  await subscribe(sns, operators, `${subscriber.url}/operators`);
  const stackType = 'AWS::CloudFormation::Stack';
  const teamStack = await findPhysicalId(cloudFormation, stackName, stackType, `Team${WATCHED_TEAM}`);
  const team = await findPhysicalId(cloudFormation, teamStack, 'AWS::SNS::Topic', 'AlertsTopic');
  await subscribe(sns, team, `${subscriber.url}/team`);
  for (const client of [cloudFormation, secrets, sns]) client.destroy();
  return subscriber;
}

async function subscribe(sns: SNSClient, TopicArn: string, Endpoint: string): Promise<void> {
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint }));
  for (let waitedMs = 0; !(await isConfirmed(sns, TopicArn, Endpoint)); waitedMs += CONFIRMATION_POLL_MS) {
    if (waitedMs >= CONFIRMATION_TIMEOUT_MS) throw new Error(`the subscription of ${TopicArn} was not confirmed`);
    await sleep(CONFIRMATION_POLL_MS);
  }
}

async function isConfirmed(sns: SNSClient, TopicArn: string, endpoint: string): Promise<boolean> {
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  const SubscriptionArn = Subscriptions.find(({ Endpoint }) => Endpoint === endpoint)?.SubscriptionArn ?? '';
  if (!SubscriptionArn.startsWith('arn:')) return false;
  const { Attributes } = await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }));
  return Attributes?.PendingConfirmation === 'false';
}

async function startServer(awsEndpoint: string): Promise<AlertSubscriber> {
  const received = new Map<string, string[]>();
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    if (request.method === 'GET') {
      response.end(JSON.stringify(received.get(path) ?? []));
      return;
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    response.end('ok');
    if (request.headers['x-amz-sns-message-type'] === 'SubscriptionConfirmation') {
      const { TopicArn, Token } = JSON.parse(body) as { TopicArn: string; Token: string };
      await fetch(`${awsEndpoint}/?${new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn, Token })}`);
      return;
    }
    received.set(path, [...(received.get(path) ?? []), body]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // It ends with the rehearsal.
  server.unref();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
