import type { AuditLog } from '../kernel/audit-log.ts';
import { mapInBatches } from '../kernel/batches.ts';
import { ConfigError } from '../kernel/config-error.ts';
import { type PicoUsd, picoUsdFromNumber } from '../kernel/money.ts';
import { type Period, periodAt } from '../kernel/period.ts';
import type { LedgerKey } from '../ledger/ports.ts';
import { addCanaryTeam, CANARY_TEAM } from '../policy/canary-team.ts';
import { type EnvironmentFile, parseEnvironment } from '../policy/environment.ts';
import { parseCatalog } from '../pricing/catalog.ts';
import { renderChanges, summarizeChanges } from './change-summary.ts';
import {
  type Change,
  checkPriceJumps,
  infrastructureChanges,
  type PublishedPolicies,
  policyChanges,
} from './policy-changes.ts';

/** What publishing needs of the world. */
export type PublishPorts = {
  readonly policies: {
    /** The set in force, or undefined before the first. */
    readCurrent(): Promise<PublishedPolicies | undefined>;
    /** Puts a set in force whole, at one moment. */
    publish(environment: EnvironmentFile, catalog: unknown): Promise<void>;
  };
  readonly ledger: {
    /** Gives a period a limit: opens it with that, or moves what is available by the difference. */
    setLimit(key: LedgerKey, limitPicoUsd: PicoUsd): Promise<void>;
    /** The same for the organisation's cap. */
    setCap(period: Period, cap: PicoUsd): Promise<void>;
  };
  readonly audit: AuditLog;
  readonly nowEpochMs: number;
};

/** One set of policies to be put in force. */
export type Publication = {
  readonly environment: EnvironmentFile;
  readonly catalog: unknown;
  /** Construct paths and a hash of each: what this deployment made, and what the one before had. */
  readonly infrastructure: Readonly<Record<string, string>>;
  readonly infrastructureBefore: Readonly<Record<string, string>> | undefined;
  /** Who is to stand in the audit trail. */
  readonly actor: string;
  readonly requestId: string;
};

/**
 * How long before a month's end its successor is opened too, in milliseconds: a gateway that still keeps the policies
 * of a minute ago would open it with the former budget.
 */
const NEXT_PERIOD_MS = 10 * 60_000;
/** How many budgets are moved at once. */
const MAX_CONCURRENT_BUDGETS = 16;

/**
 * Puts teams and prices in force, and moves budgets by their difference; what was spent is never touched. Repeating it
 * changes nothing, and publishing the former set again takes it back.
 *
 * @throws ConfigError before anything is changed, when the set is not valid.
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
  // Before the act: when it fails in the middle, what it may have changed is on record.
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

/** A set in force that cannot be understood must not keep a good one from taking its place. */
function ignoreConfigError(error: unknown): undefined {
  if (error instanceof ConfigError) return undefined;
  throw error;
}

function periodsAt(nowEpochMs: number): readonly Period[] {
  return [...new Set([periodAt(nowEpochMs), periodAt(nowEpochMs + NEXT_PERIOD_MS)])];
}
