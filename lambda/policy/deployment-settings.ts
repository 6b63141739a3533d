import * as v from 'valibot';

/** The services whose incoming webhooks are known. */
export const WEBHOOK_KINDS = ['slack', 'teams'] as const;

/** One of {@link WEBHOOK_KINDS}. */
export type WebhookKind = (typeof WEBHOOK_KINDS)[number];

/** Days for which CloudWatch can keep logs (PutRetentionPolicy API reference, read 2026-11-23), from a week to ten years. */
const RETENTION_DAYS = [7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
/** The fewest and most requests a WAF rate rule can name (WAF RateBasedStatement, read 2026-11-23). */
const WAF_RATE = { least: 10, most: 2_000_000_000 };

const text = (pattern: RegExp, message: string) => v.pipe(v.string(message), v.regex(pattern, message));
const flag = v.boolean('must be true or false');

/** How an environment is deployed; `npm start` reads none of it. Account and region default to the CLI's own. */
export const deploymentSchema = v.strictObject(
  {
    /** The only AWS account this environment may be deployed to. @default the one of the credentials in use */
    account: v.optional(text(/^\d{12}$/, 'must be an account number of 12 digits, as text')),
    /** @default the region of the credentials in use */
    region: v.optional(text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-central-1')),
    /** Groq's address. @default https://api.groq.com */
    groqBaseUrl: v.optional(v.pipe(v.string(), v.url('must be an address such as https://api.groq.com'))),
    /** Who is told by e-mail when an operational alarm fires. @default no one; the alarms' topic exists all the same */
    operators: v.optional(
      v.array(v.pipe(v.string(), v.email('must be a list of e-mail addresses')), 'must be a list of e-mail addresses'),
      [],
    ),
    /**
     * A KMS key of your own that encrypts the teams' Groq secrets, in the same account and region; its policy must let IAM
     * decide. @default AWS's own key for Secrets Manager, which costs nothing
     */
    secretsKmsKeyArn: v.optional(text(/^arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key\//, 'must be the ARN of a key in KMS')),
    /**
     * An incoming webhook that is told of budgets' alerts, by the name of a secret of yours that holds its address and
     * nothing else. @default none
     */
    webhook: v.optional(
      v.strictObject(
        {
          kind: v.picklist(WEBHOOK_KINDS, `must be one of ${WEBHOOK_KINDS.join(', ')}`),
          secretName: text(/^[\w/+=.@-]{1,512}$/, 'must be the name of a secret in Secrets Manager'),
        },
        'must be an object',
      ),
    ),
    /**
     * Whether each team has CloudWatch alarms at the organisation's `alertsPercent`, $0.10 each a month. Alerts are told
     * all the same. @default true
     */
    teamAlarms: v.optional(flag, true),
    /** Whether there is a CloudWatch dashboard of the environment, $3 a month. @default true */
    dashboard: v.optional(flag, true),
    /**
     * Whether the stack gives API Gateway the right to write access logs, which is one setting of the whole account and
     * region. False where something else has set it. @default true
     */
    setAccountLogRole: v.optional(flag, true),
    /** Days that logs are kept. @default 30 */
    logRetentionDays: v.optional(v.picklist(RETENTION_DAYS, `must be one of ${RETENTION_DAYS.join(', ')}`), 30),
    /** Whether requests are traced by X-Ray, which is billed by the trace. @default false */
    tracing: v.optional(flag, false),
    /** Whether the tables outlive the stack and refuse to be deleted. False is for environments that may be lost. @default true */
    retainData: v.optional(flag, true),
    /** A name of your own for the endpoint. @default API Gateway's address */
    customDomain: v.optional(
      v.strictObject(
        {
          name: text(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain name such as groq.example.com'),
          /** Of a certificate in the same region. */
          certificateArn: text(/^arn:[\w-]+:acm:/, 'must be the ARN of a certificate in ACM'),
          /** The Route 53 zone to write the alias to. @default none: point the name at the output DomainTarget yourself */
          hostedZone: v.optional(
            v.strictObject({ id: v.string('must be text'), name: v.string('must be text') }, 'must be an object'),
          ),
        },
        'must be an object',
      ),
    ),
    /** A web ACL in front of the endpoint; costs $5 a month and $1 a rule. @default none */
    webAcl: v.optional(
      v.strictObject(
        {
          /** Requests in five minutes that one source address may make. @default 10,000 */
          requestsPer5Minutes: v.optional(
            v.pipe(
              v.number('must be a whole number'),
              v.integer('must be a whole number'),
              v.minValue(WAF_RATE.least, `must be at least ${WAF_RATE.least}`),
              v.maxValue(WAF_RATE.most, `must be at most ${WAF_RATE.most}`),
            ),
            10_000,
          ),
        },
        'must be an object',
      ),
    ),
    /** Makes the endpoint answer inside these VPC endpoints only. @default none: the endpoint is public, and asks for a key */
    privateEndpoint: v.optional(
      v.strictObject(
        {
          vpcEndpointIds: v.pipe(
            v.array(text(/^vpce-[0-9a-f]+$/, 'must be the id of a VPC endpoint'), 'must be a list of VPC endpoint ids'),
            v.minLength(1, 'must name at least one VPC endpoint'),
          ),
        },
        'must be an object',
      ),
    ),
  },
  'must be an object',
);

/** How an environment is deployed. */
export type DeploymentSettings = v.InferOutput<typeof deploymentSchema>;
