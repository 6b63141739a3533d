import { createHash } from 'node:crypto';
import { ApiKey, type IRestApi, Period, type RestApi, type Stage, UsagePlan } from 'aws-cdk-lib/aws-apigateway';
import { Construct } from 'constructs';
import { usagePlanKeyValue } from '../../lambda/contract.ts';

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Props of {@link GatewayUsagePlan}. */
export type GatewayUsagePlanProps = {
  readonly api: RestApi;
  readonly stage: Stage;
  readonly environmentName: string;
  /** A team's name, or ORGANIZATION. */
  readonly holder: string;
  /** Requests per minute, which the ledger enforces exactly. @default null: no limit */
  readonly requestsPerMinute?: number | null;
  /** @default null: no limit */
  readonly requestsPerDay?: number | null;
};

/** API Gateway's limits per account (quotas, read 2026-11-23); it rejects a plan that exceeds them. */
const MAX_RATE_LIMIT = 10_000;
const MAX_BURST_LIMIT = 5_000;
/** Twice what the ledger admits, so that API Gateway throttles only requests that the ledger would refuse too. */
const THROTTLE_FACTOR = 2;
const MIN_RATE_LIMIT = 10;

/** A usage plan and the API Gateway key that selects it. Clients never see the key; the authorizer returns it. */
export class GatewayUsagePlan extends Construct {
  readonly plan: UsagePlan;

  constructor(scope: Construct, id: string, props: GatewayUsagePlanProps) {
    super(scope, id);
    const { api, stage, environmentName, holder, requestsPerMinute = null, requestsPerDay = null } = props;
    this.plan = new UsagePlan(this, 'Plan', {
      name: `groq-gateway-${environmentName}-${holder}`,
      description: "The outer throttle; the exact limits are the ledger's.",
      // A class of the library is not its own interface under exactOptionalPropertyTypes.
      apiStages: [{ api: api as IRestApi, stage }],
      ...(requestsPerMinute === null
        ? {}
        : {
            throttle: {
              rateLimit: Math.min(
                MAX_RATE_LIMIT,
                Math.max(MIN_RATE_LIMIT, Math.ceil((THROTTLE_FACTOR * requestsPerMinute) / 60)),
              ),
              burstLimit: Math.min(MAX_BURST_LIMIT, Math.max(MIN_RATE_LIMIT, THROTTLE_FACTOR * requestsPerMinute)),
            },
          }),
      ...(requestsPerDay === null ? {} : { quota: { limit: requestsPerDay, period: Period.DAY } }),
    });
    const key = new ApiKey(this, 'Key', {
      description: `Handle of the usage plan of ${holder}; not a credential.`,
      value: usagePlanKeyValue(environmentName, holder, sha256Hex),
    });
    this.plan.addApiKey(key);
  }
}
