import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type EnvironmentFile, parseEnvironment } from '../../../lambda/policy/environment.ts';
import { GatewayStack } from '../../../lib/gateway-stack.ts';
import { catalog, catalogContent } from '../catalog.ts';

const TEAM = { allowedModels: ['openai/gpt-oss-20b'], monthlyBudgetUsd: 10, rateLimitRpm: 60, requestsPerDay: 1_000 };

/** Builds the stack of an environment, without bundling its functions. */
export function buildStack(environment: Partial<EnvironmentFile> = {}, environmentName = 'test'): GatewayStack {
  const environmentFile = { teams: { chatbot: TEAM }, ...environment };
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  return new GatewayStack(app, environmentName, {
    env: { account: '111111111111', region: 'eu-central-1' },
    environmentName,
    environment: parseEnvironment('test', environmentFile, catalog),
    environmentFile,
    catalogFile: catalogContent(),
  });
}

/** Synthesizes the template of such a stack. */
export function synthesizeTemplate(environment: Partial<EnvironmentFile> = {}): Template {
  return Template.fromStack(buildStack(environment));
}
