import { ENV } from '../contract.ts';
import type { UpstreamLimits } from '../groq/upstream-limits.ts';
import { WEBHOOK_KINDS } from '../policy/deployment-settings.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the variables that every function has. @throws Error that names a missing variable. */
export function readVariables(source: Variables) {
  const required = (name: string) => requireVariable(source, name);
  return {
    environmentName: required(ENV.environmentName),
    ledgerTable: required(ENV.ledgerTable),
    registryTable: required(ENV.registryTable),
    usageTable: required(ENV.usageTable),
    metricsFile: source[ENV.metricsFile],
    groqBaseUrl: source[ENV.groqBaseUrl] === '' ? undefined : source[ENV.groqBaseUrl],
  };
}

/** Reads the limits of Groq's answers that are set. @throws Error that names a variable that is no number. */
export function readUpstreamLimits(source: Variables): Partial<UpstreamLimits> {
  const read = (name: string) => {
    const text = source[name];
    if (text === undefined || text === '') return undefined;
    const ms = Number(text);
    if (!(ms > 0)) throw new Error(`the environment variable ${name} must be a number of milliseconds`);
    return ms;
  };
  const [firstByteMs, idleMs] = [read(ENV.upstreamFirstByteMs), read(ENV.upstreamIdleMs)];
  return { ...(firstByteMs === undefined ? {} : { firstByteMs }), ...(idleMs === undefined ? {} : { idleMs }) };
}

/** Reads the thresholds of budget alerts and their event bus. @throws Error when a list is missing or is not numeric. */
export function readAlertVariables(source: Variables) {
  const numbers = (name: string) => {
    const text = source[name];
    if (text === undefined) throw new Error(`the environment variable ${name} is not set`);
    const values = text === '' ? [] : text.split(',').map(Number);
    if (values.some(Number.isNaN)) throw new Error(`the environment variable ${name} must be a list of numbers`);
    return values;
  };
  return {
    settings: { percents: numbers(ENV.alertPercents), usd: numbers(ENV.alertUsd) },
    eventBus: source[ENV.eventBus] === '' ? undefined : source[ENV.eventBus],
  };
}

/** Reads the kind of the webhook and the secret with its address. @throws Error that names the variable at fault. */
export function readWebhookVariables(source: Variables) {
  const kind = WEBHOOK_KINDS.find((known) => known === requireVariable(source, ENV.webhookKind));
  if (kind === undefined)
    throw new Error(`the environment variable ${ENV.webhookKind} must be one of ${WEBHOOK_KINDS.join(', ')}`);
  return { kind, secretName: requireVariable(source, ENV.webhookSecret) };
}

/** Reads the ARN of the operators' topic. @throws Error when it is missing. */
export function readTopicVariable(source: Variables): string {
  return requireVariable(source, ENV.operatorsTopic);
}

/** Reads the name of the reports bucket. @throws Error when it is missing. */
export function readReportsVariable(source: Variables): string {
  return requireVariable(source, ENV.reportsBucket);
}

/** Reads the reports bucket and its region. @throws Error when one is missing. */
export function readBucketVariables(source: Variables): { readonly bucket: string; readonly region: string } {
  return { bucket: requireVariable(source, ENV.reportsBucket), region: requireVariable(source, 'AWS_REGION') };
}

function requireVariable(source: Variables, name: string): string {
  const value = source[name];
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
}
