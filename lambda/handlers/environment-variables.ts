import { ENV } from '../contract.ts';

/** Reads the variables a handler needs, once. @throws Error naming the variable that is missing. */
export function readVariables(source: Readonly<Record<string, string | undefined>>) {
  const required = (name: string): string => {
    const value = source[name];
    if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
    return value;
  };
  return {
    environmentName: required(ENV.environmentName),
    ledgerTable: required(ENV.ledgerTable),
    registryTable: required(ENV.registryTable),
    usageTable: required(ENV.usageTable),
    groqBaseUrl: source[ENV.groqBaseUrl] === '' ? undefined : source[ENV.groqBaseUrl],
  };
}
