import { renderMarkdownTable } from '../../lambda/kernel/text-table.ts';
import type { Finding } from './check.ts';

/** What was verified, when, and what was found. */
export type VerifyReport = {
  readonly environment: string;
  readonly endpoint: string;
  /** ISO 8601. */
  readonly at: string;
  readonly verdict: 'holds' | 'falls short';
  readonly findings: readonly Finding[];
};

const STATUS_LABELS = { pass: 'yes', fail: '**NO**', skip: 'not deployed' } as const;

/** Puts findings together; one that was not met makes the whole fall short. */
export function buildReport(
  environment: string,
  endpoint: string,
  at: string,
  findings: readonly Finding[],
): VerifyReport {
  const verdict = findings.some(({ status }) => status === 'fail') ? 'falls short' : 'holds';
  return { environment, endpoint, at, verdict, findings };
}

/** The report as Markdown. */
export function renderReport({ environment, endpoint, at, verdict, findings }: VerifyReport): string {
  const met = findings.filter(({ status }) => status === 'pass').length;
  const rows = findings.map(({ title, status, evidence }) => [STATUS_LABELS[status], title, evidence]);
  return [
    `# Validation of the environment ${environment}`,
    '',
    `The deployment **${verdict}**: ${met} of ${findings.length} checks are met. ${endpoint}, ${at}.`,
    '',
    renderMarkdownTable(['met', 'what must hold', 'evidence'], rows),
    '',
  ].join('\n');
}
