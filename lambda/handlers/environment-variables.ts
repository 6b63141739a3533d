import { ENV } from '../contract.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the variables a handler needs, once. @throws Error naming the variable that is missing. */
export function readVariables(source: Variables) {
  const required = (name: string) => requiredOf(source, name);
  return {
    environmentName: required(ENV.environmentName),
    ledgerTable: required(ENV.ledgerTable),
    registryTable: required(ENV.registryTable),
    usageTable: required(ENV.usageTable),
    metricsFile: source[ENV.metricsFile],
    groqBaseUrl: source[ENV.groqBaseUrl] === '' ? undefined : source[ENV.groqBaseUrl],
  };
}

/** Reads the topic of those who tell the operators. @throws Error when it is missing. */
export function readTopicVariable(source: Variables): string {
  return requiredOf(source, ENV.operatorsTopic);
}

/** Reads the bucket of reports, and the region that it is in. @throws Error when one is missing. */
export function readBucketVariables(source: Variables): { readonly bucket: string; readonly region: string } {
  return { bucket: requiredOf(source, ENV.reportsBucket), region: requiredOf(source, 'AWS_REGION') };
}

function requiredOf(source: Variables, name: string): string {
  const value = source[name];
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
}
