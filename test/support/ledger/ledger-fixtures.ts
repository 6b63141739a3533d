import { picoUsd } from '../../../lambda/kernel/money.ts';
import type { Budgets } from '../../../lambda/ledger/ports.ts';
import type { ReserveTerms, Settlement } from '../../../lambda/ledger/reservation.ts';

/** 2026-11-24T00:00:00Z. */
export const START_MS = 1_795_478_400_000;

/** A team's budget, under a cap that is large unless the test sets one. */
export function budgets(team: bigint, organization = 10n ** 18n): Budgets {
  return { team: picoUsd(team), organization: picoUsd(organization) };
}

/** Terms of a call without rate limits, with overrides. */
export function buildReserveTerms(
  id: string,
  costPicoUsd: bigint,
  more: Partial<Omit<ReserveTerms, 'reservation'>> & { expiresAtEpochMs?: number; keyId?: string } = {},
): ReserveTerms {
  const { expiresAtEpochMs, keyId = 'k', ...terms } = more;
  const nowEpochMs = terms.nowEpochMs ?? START_MS;
  return {
    reservation: {
      id,
      maxCostPicoUsd: picoUsd(costPicoUsd),
      tokens: 100,
      model: 'm',
      keyId,
      expiresAtEpochMs: expiresAtEpochMs ?? nowEpochMs + 300_000,
    },
    nowEpochMs,
    maxConcurrent: 200,
    rpmCostUs: 0,
    tpmCostUs: 0,
    ...terms,
  };
}

/** A settlement at a known cost. */
export function buildSettlement(costPicoUsd: bigint, more: Partial<Settlement> = {}): Settlement {
  return {
    kind: 'settle',
    costPicoUsd: picoUsd(costPicoUsd),
    assumed: false,
    tpmRefundUs: 0,
    promptTokens: 1,
    cachedTokens: 0,
    completionTokens: 1,
    reasoningTokens: 0,
    ...more,
  };
}
