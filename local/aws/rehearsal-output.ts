import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RehearsalAccount } from './rehearsal-account.ts';

const POLICY_DIFF_LINES = 40;

/** Returns the part of a `cdk diff` that shows the changed policies. */
export function extractPolicyDiff(output: string): string {
  const lines = stripAnsiColors(output).split('\n');
  const start = lines.findIndex((line) => line.includes('Custom::GatewayPolicies'));
  return lines.slice(start, start + POLICY_DIFF_LINES).join('\n');
}

/** Returns vitest's counts, and the figures that tests print. */
export function extractTestCounts(output: string): string {
  return stripAnsiColors(output)
    .split('\n')
    .filter((line) => /^ *(Tests|Test Files) |^(budget|usage) of/.test(line))
    .join('\n');
}

function stripAnsiColors(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g'), '');
}

/** Searches the emulator's log, which has every line of the functions, and CDK's output for secrets and a test's prompt. */
export function findLeak({ logFile, folder }: RehearsalAccount, secrets: readonly string[]): string | undefined {
  for (const file of [logFile, ...globSync(join(folder, 'cdk.out/*.json'))]) {
    const text = readFileSync(file, 'utf8');
    const found = [...secrets, 'gsk_rehearsal', 'Count from one to twenty'].find((secret) => text.includes(secret));
    if (found !== undefined) return `${file} contains ${found.slice(0, 8)}…`;
  }
  return undefined;
}
