import { ApiKey, type IRestApi, Period, type RestApi, type Stage, UsagePlan } from 'aws-cdk-lib/aws-apigateway';
import { Construct } from 'constructs';
import { usagePlanKeyValue } from '../../lambda/contract.ts';

/** Whose usage plan it is, and how much API Gateway lets through for it. */
export type GatewayUsagePlanProps = {
  readonly api: RestApi;
  readonly stage: Stage;
  readonly environmentName: string;
  /** A team's name, or ORGANIZATION. */
  readonly holder: string;
  /** Requests a minute that the ledger enforces exactly. @default null: no limit */
  readonly requestsPerMinute?: number | null;
  /** @default null: no limit */
  readonly requestsPerDay?: number | null;
};

/** API Gateway's limits an account (quotas, read 2026-11-23): a plan beyond them would be refused. */
const MAX_RATE_LIMIT = 10_000;
const MAX_BURST_LIMIT = 5_000;
/** The plan is the outer throttle: twice what the ledger admits, so that it bites only on what the ledger refuses. */
const THROTTLE_FACTOR = 2;
const MIN_RATE_LIMIT = 10;

/** A usage plan and the key that is its handle. Clients never see that key; the authorizer names it. */
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
      value: usagePlanKeyValue(environmentName, holder),
    });
    this.plan.addApiKey(key);
  }
}
