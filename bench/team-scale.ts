import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { type EnvironmentFile, parseEnvironment } from '../lambda/policy/environment.ts';
import { parseCatalog } from '../lambda/pricing/catalog.ts';
import { GatewayStack } from '../lib/gateway-stack.ts';

type StackSize = { readonly resources: number; readonly bytes: number };

/** The size of a synthesized environment with many teams. */
export type SynthesisResult = {
  readonly teams: number;
  readonly synthMs: number;
  readonly stacks: number;
  readonly parent: StackSize;
  /** The largest of the teams' stacks. */
  readonly team: StackSize;
  readonly totalBytes: number;
  /** Size of the custom resource's properties that publish the policies. */
  readonly propertiesBytes: number;
};

const CATALOG = new URL('../config/catalog.json', import.meta.url);

/** Synthesizes an environment with `count` teams, without bundling its functions. */
export async function synthesizeTeams(count: number): Promise<SynthesisResult> {
  const catalogFile = JSON.parse(readFileSync(CATALOG, 'utf8'));
  const environmentFile: EnvironmentFile = {
    teams: Object.fromEntries(Array.from({ length: count }, (_, i) => [`team-${i}`, buildTeam(i)])),
  };
  const environment = parseEnvironment('bench', environmentFile, parseCatalog('catalog', catalogFile));
  const outdir = mkdtempSync(join(tmpdir(), 'scale-'));
  try {
    const startMs = performance.now();
    const app = new App({ outdir, context: { 'aws:cdk:bundling-stacks': [] } });
    new GatewayStack(app, 'many', { environmentName: 'many', environment, environmentFile, catalogFile });
    app.synth();
    return { teams: count, synthMs: performance.now() - startMs, ...measureTemplates(outdir) };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

function buildTeam(index: number): EnvironmentFile['teams'][string] {
  return {
    purpose: `Team ${index} of an organisation with many`,
    allowedModels: ['openai/gpt-oss-120b', 'openai/gpt-oss-20b', 'qwen/qwen3.8-27b'],
    maxTokensPerRequest: 4_096,
    monthlyBudgetUsd: 10 + index,
    rateLimitRpm: 120,
    rateLimitTpm: 100_000,
    requestsPerDay: 50_000,
    alertRecipients: [`team-${index}@example.com`],
  };
}

function measureTemplates(outdir: string): Omit<SynthesisResult, 'teams' | 'synthMs'> {
  const templates = readdirSync(outdir).filter((file) => file.endsWith('.template.json'));
  const figures = templates.map((file) => {
    const text = readFileSync(join(outdir, file), 'utf8');
    const resources = JSON.parse(text).Resources as Record<string, { Type: string; Properties: object }>;
    const publication = Object.values(resources).find(({ Type }) => Type === 'Custom::GatewayPolicies');
    return {
      isParent: publication !== undefined,
      resources: Object.keys(resources).length,
      bytes: Buffer.byteLength(text),
      propertiesBytes: publication === undefined ? 0 : Buffer.byteLength(JSON.stringify(publication.Properties)),
    };
  });
  const findLargest = (parent: boolean) =>
    figures
      .filter(({ isParent }) => isParent === parent)
      .reduce((max, stack) => (stack.bytes > max.bytes ? stack : max));
  return {
    stacks: figures.length,
    parent: findLargest(true),
    team: findLargest(false),
    totalBytes: figures.reduce((sum, { bytes }) => sum + bytes, 0),
    propertiesBytes: findLargest(true).propertiesBytes,
  };
}
