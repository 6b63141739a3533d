import * as v from 'valibot';
import { isPassableField } from '../pricing/passable-field.ts';

/** The services whose incoming webhooks the gateway supports. */
export const WEBHOOK_KINDS = ['slack', 'teams'] as const;

/** One of {@link WEBHOOK_KINDS}. */
export type WebhookKind = (typeof WEBHOOK_KINDS)[number];

/** The log retentions that CloudWatch accepts, in days (PutRetentionPolicy API reference, read 2026-11-23), from a week to ten years. */
const RETENTION_DAYS = [7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
/** The limits of a WAF rate rule, in requests (WAF RateBasedStatement, read 2026-11-23). */
const WAF_RATE = { min: 10, max: 2_000_000_000 };

const text = (pattern: RegExp, message: string) => v.pipe(v.string(message), v.regex(pattern, message));
/** Below a second, slow calls would be cut; a call itself lasts 290 s at most. */
const upstreamTime = v.pipe(
  v.number('must be a whole number of milliseconds'),
  v.integer('must be a whole number of milliseconds'),
  v.minValue(1_000, 'must be at least 1000, a second'),
  v.maxValue(290_000, 'must be at most 290000, the longest call'),
);
const flag = v.boolean('must be true or false');

/** The schema of an environment's deployment. `npm start` ignores it. Account and region default to those of the CLI. */
export const deploymentSchema = v.strictObject(
  {
    /** The only AWS account that this environment may be deployed to. @default the account of the current credentials */
    account: v.optional(text(/^\d{12}$/, 'must be an account number of 12 digits, as text')),
    /** @default the region of the current credentials */
    region: v.optional(text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-central-1')),
    /** Groq's address. @default https://api.groq.com */
    groqBaseUrl: v.optional(v.pipe(v.string(), v.url('must be an address such as https://api.groq.com'))),
    /**
     * The milliseconds until the first byte of a stream from Groq; a whole answer has the time to be written besides. A
     * call that exceeds it is charged at its maximum cost. @default 30,000
     */
    upstreamFirstByteMs: v.optional(upstreamTime),
    /** The milliseconds between two parts of an answer from Groq, with the same effect. @default 60,000 */
    upstreamIdleMs: v.optional(upstreamTime),
    /** E-mail addresses that receive operational alarms. @default none; the alarms' topic exists either way */
    operators: v.optional(
      v.array(v.pipe(v.string(), v.email('must be a list of e-mail addresses')), 'must be a list of e-mail addresses'),
      [],
    ),
    /**
     * Your KMS key for the teams' Groq secrets, in the same account and region; its policy must delegate to IAM.
     * @default the AWS managed key for Secrets Manager, which is free
     */
    secretsKmsKeyArn: v.optional(text(/^arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key\//, 'must be the ARN of a key in KMS')),
    /**
     * An incoming webhook for budget alerts. `secretName` names your secret that contains only the webhook's address.
     * @default none
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
     * Creates CloudWatch alarms for each team at the organisation's `alertsPercent`, $0.10 a month each. Alerts are
     * delivered either way. @default true
     */
    teamAlarms: v.optional(flag, true),
    /** Creates a CloudWatch dashboard of the environment, $3 a month. @default true */
    dashboard: v.optional(flag, true),
    /**
     * Sets the role with which API Gateway writes access logs, one setting for the whole account and region. Set it to
     * false if another stack manages that setting. @default true
     */
    setAccountLogRole: v.optional(flag, true),
    /** The retention of logs, in days. @default 30 */
    logRetentionDays: v.optional(v.picklist(RETENTION_DAYS, `must be one of ${RETENTION_DAYS.join(', ')}`), 30),
    /** Traces requests with X-Ray, which is billed by the trace. @default false */
    tracing: v.optional(flag, false),
    /** Retains the tables after the stack and protects them from deletion. False is for disposable environments. @default true */
    retainData: v.optional(flag, true),
    /**
     * Fields of a chat completion that Groq knows and this version does not, by path: `new_field`, `messages[].new_field`.
     * They are passed on and counted as prompt. @default none: an unknown field is refused, as Groq refuses it
     */
    passFields: v.optional(
      v.array(
        v.pipe(
          v.string('must be a path such as new_field or messages[].new_field'),
          v.check(
            isPassableField,
            'must be a path such as new_field or messages[].new_field, and not a field that is known already',
          ),
        ),
        'must be a list of paths such as new_field',
      ),
      [],
    ),
    /** Your domain name for the endpoint. @default API Gateway's address */
    customDomain: v.optional(
      v.strictObject(
        {
          name: text(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain name such as groq.example.com'),
          /** A certificate in the same region. */
          certificateArn: text(/^arn:[\w-]+:acm:/, 'must be the ARN of a certificate in ACM'),
          /** The Route 53 zone for the alias record. @default none: point the name at the output DomainTarget yourself */
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
          /** The requests that one source address may make in five minutes. @default 10,000 */
          requestsPer5Minutes: v.optional(
            v.pipe(
              v.number('must be a whole number'),
              v.integer('must be a whole number'),
              v.minValue(WAF_RATE.min, `must be at least ${WAF_RATE.min}`),
              v.maxValue(WAF_RATE.max, `must be at most ${WAF_RATE.max}`),
            ),
            10_000,
          ),
        },
        'must be an object',
      ),
    ),
    /** Restricts the endpoint to these VPC endpoints. @default none: the endpoint is public, and requires a key */
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

/** The deployment settings of an environment. */
export type DeploymentSettings = v.InferOutput<typeof deploymentSchema>;
