import type { AuditLog } from '../kernel/audit-log.ts';
import { mapInBatches } from '../kernel/batches.ts';
import { ConfigError } from '../kernel/config-error.ts';
import { type PicoUsd, picoUsdFromNumber } from '../kernel/money.ts';
import { type Period, periodAt } from '../kernel/period.ts';
import type { LedgerKey } from '../ledger/ports.ts';
import { addCanaryTeam, CANARY_TEAM } from '../policy/canary-team.ts';
import { type EnvironmentFile, parseEnvironment } from '../policy/environment.ts';
import { parseCatalog } from '../pricing/catalog.ts';
import type { Change } from './change.ts';
import { renderChanges, summarizeChanges } from './change-summary.ts';
import { infrastructureChanges } from './infrastructure-changes.ts';
import { checkPriceJumps } from './model-prices.ts';
import { type PublishedPolicies, policyChanges } from './policy-changes.ts';

/** Ports of {@link publishPolicies}. */
export type PublishPorts = {
  readonly policies: {
    /** Returns the policies in force, or undefined before the first publication. */
    readCurrent(): Promise<PublishedPolicies | undefined>;
    /** Replaces the policies in force atomically. */
    publish(environment: EnvironmentFile, catalog: unknown): Promise<void>;
  };
  readonly ledger: {
    /** Sets a period's limit: opens the period, or moves the available amount by the difference. */
    setLimit(key: LedgerKey, limitPicoUsd: PicoUsd): Promise<void>;
    /** Sets the organisation's cap in the same way. */
    setCap(period: Period, cap: PicoUsd): Promise<void>;
  };
  readonly audit: AuditLog;
  readonly nowEpochMs: number;
};

/** One set of policies and prices to publish. */
export type Publication = {
  readonly environment: EnvironmentFile;
  readonly catalog: unknown;
  /** Hashes of this deployment's resources by construct path, and those of the deployment before. */
  readonly infrastructure: Readonly<Record<string, string>>;
  readonly infrastructureBefore: Readonly<Record<string, string>> | undefined;
  /** Actor for the audit trail. */
  readonly actor: string;
  readonly requestId: string;
};

/**
 * Time before a month's end from which the next month is opened too, in milliseconds. Otherwise a gateway with a stale
 * policy cache could open it with the old budget.
 */
const NEXT_PERIOD_MS = 10 * 60_000;
const MAX_CONCURRENT_BUDGETS = 16;

/**
 * Publishes policies and prices, and moves budgets by the difference to their new limits. Spending is never touched.
 * Idempotent: a retry has no effect, and publishing the former set again undoes a publication.
 *
 * @throws ConfigError before anything is changed, if the set is not valid.
 */
export async function publishPolicies(ports: PublishPorts, publication: Publication): Promise<{ summary: string }> {
  const { policies, ledger, audit, nowEpochMs } = ports;
  const catalog = parseCatalog('catalog', publication.catalog);
  parseEnvironment('environment', publication.environment, catalog);
  const file = addCanaryTeam('environment', publication.environment, catalog);
  const environment = parseEnvironment('environment', file, catalog);
  const before = await policies.readCurrent().catch(ignoreConfigError);
  if (before !== undefined) checkPriceJumps('catalog', before.catalog, catalog);
  const changes = [
    ...policyChanges(before, { environment, catalog }),
    ...infrastructureChanges(publication.infrastructureBefore, publication.infrastructure),
  ].filter(({ subject }) => subject !== `team ${CANARY_TEAM}`);
  // Written first, so that a publication that fails halfway is on record.
  if (changes.length > 0) await audit.append(auditEntry(publication, changes, nowEpochMs));

  await policies.publish(file, publication.catalog);
  const periods = periodsAt(nowEpochMs);
  const moves = [...environment.teams.values()].flatMap(({ team, monthlyBudgetPicoUsd }) =>
    periods.map((period) => ({ key: { team, period }, limitPicoUsd: monthlyBudgetPicoUsd })),
  );
  const cap = picoUsdFromNumber(environment.organization.monthlyCapUsd);
  for (const period of periods) await ledger.setCap(period, cap);
  await mapInBatches(
    moves,
    MAX_CONCURRENT_BUDGETS,
    async ({ key, limitPicoUsd }) => await ledger.setLimit(key, limitPicoUsd),
  );
  return { summary: summarizeChanges(changes) };
}

function auditEntry({ actor, requestId }: Publication, changes: readonly Change[], atEpochMs: number) {
  return {
    atEpochMs,
    id: requestId,
    actor,
    action: 'publish_policies',
    subject: 'environment',
    details: renderChanges(changes),
  };
}

/** Invalid policies in force must not block a valid set that replaces them. */
function ignoreConfigError(error: unknown): undefined {
  if (error instanceof ConfigError) return undefined;
  throw error;
}

function periodsAt(nowEpochMs: number): readonly Period[] {
  return [...new Set([periodAt(nowEpochMs), periodAt(nowEpochMs + NEXT_PERIOD_MS)])];
}
