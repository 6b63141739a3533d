import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ALERT_EVENT, CATALOG_EVENT, GROQ_KEY_EVENT } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';

/** The default bus, which every account has. */
export const EVENT_BUS = 'default';

/** Lets a function put events of one type on the bus, and no others. */
export function grantPutEvents(
  { role }: GatewayFunction,
  { source, detailType }: typeof ALERT_EVENT | typeof GROQ_KEY_EVENT | typeof CATALOG_EVENT,
): void {
  const bus = Stack.of(role).formatArn({
    service: 'events',
    resource: 'event-bus',
    resourceName: EVENT_BUS,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
  const conditions = { StringEquals: { 'events:source': source, 'events:detail-type': detailType } };
  role.addToPolicy(new PolicyStatement({ actions: ['events:PutEvents'], resources: [bus], conditions }));
}
