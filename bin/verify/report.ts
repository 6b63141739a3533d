import { renderMarkdownTable } from '../../lambda/kernel/text-table.ts';
import type { Finding } from './check.ts';

/** The findings on one deployment. */
export type VerifyReport = {
  readonly environment: string;
  readonly endpoint: string;
  /** ISO 8601. */
  readonly at: string;
  readonly verdict: 'holds' | 'falls short';
  readonly findings: readonly Finding[];
};

const STATUS_LABELS = { pass: 'yes', fail: '**NO**', skip: 'not deployed' } as const;

/** Builds the report. One failed check makes the verdict `falls short`. */
export function buildReport(
  environment: string,
  endpoint: string,
  at: string,
  findings: readonly Finding[],
): VerifyReport {
  const verdict = findings.some(({ status }) => status === 'fail') ? 'falls short' : 'holds';
  return { environment, endpoint, at, verdict, findings };
}

/** Renders the report as Markdown. */
export function renderReport({ environment, endpoint, at, verdict, findings }: VerifyReport): string {
  const passed = findings.filter(({ status }) => status === 'pass').length;
  const rows = findings.map(({ title, status, evidence }) => [STATUS_LABELS[status], title, evidence]);
  return [
    `# Verification of the environment ${environment}`,
    '',
    `The deployment **${verdict}**: ${passed} of ${findings.length} checks passed. ${endpoint}, ${at}.`,
    '',
    renderMarkdownTable(['passed', 'requirement', 'evidence'], rows),
    '',
  ].join('\n');
}
