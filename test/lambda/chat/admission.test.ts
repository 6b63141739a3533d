import { describe, expect, it, vi } from 'vitest';
import { type AdmissionRequest, admit } from '../../../lambda/chat/admission.ts';
import type { BoundedCall } from '../../../lambda/chat/request/bounded-call.ts';
import { type ChatRequest, parseChatRequest } from '../../../lambda/chat/request/chat-request.ts';
import { decide } from '../../../lambda/chat/request/decide.ts';
import { picoUsd, toUsdString } from '../../../lambda/kernel/money.ts';
import { worstCaseCost } from '../../../lambda/pricing/pricing.ts';
import { catalog, policyWith } from '../../support/catalog.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { budgets, buildReserveTerms, buildSettlement } from '../../support/ledger/ledger-fixtures.ts';
import { MemoryLedger } from '../../support/ledger/memory-ledger.ts';

/** A ledger that counts its calls. If blind, it caches nothing, like a process that makes no other calls of the team. */
class CountedLedger extends MemoryLedger {
  writes = 0;
  reads = 0;
  isBlind = false;

  override async reserve(...args: Parameters<MemoryLedger['reserve']>) {
    this.writes++;
    return await super.reserve(...args);
  }

  override async readEventuallyConsistent(...args: Parameters<MemoryLedger['readEventuallyConsistent']>) {
    this.reads++;
    return await super.readEventuallyConsistent(...args);
  }

  override lastSeen(...args: Parameters<MemoryLedger['lastSeen']>) {
    return this.isBlind ? undefined : super.lastSeen(...args);
  }
}

const identity = { keyId: 'k', role: 'member', team: 'chatbot' } as const;

function setUp(fields: Record<string, unknown>, body: object = {}) {
  const clock = fakeClock();
  const ledger = new CountedLedger(clock.nowEpochMs);
  const policy = policyWith({ rateLimitRpm: null, maxConcurrent: 200, ...fields });
  const request = parseChatRequest(
    JSON.stringify({ model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'Hi' }], ...body }),
  ) as ChatRequest;
  const call = decide(identity, policy, catalog, request) as BoundedCall;
  const bound = worstCaseCost(call.model, call.maxInputTokens, call.maxOutputTokens);
  const withBudget = (pico: bigint) => ({ ...policy, monthlyBudgetPicoUsd: picoUsd(pico) });
  const attempt = (id: string, budget: bigint, typical?: number, more: Partial<AdmissionRequest> = {}) =>
    admit(
      { ledger, clock },
      {
        id,
        keyId: 'k',
        policy: withBudget(budget),
        ...more,
        call,
        deadlineEpochMs: clock.nowEpochMs() + 100_000,
        queuedMs: 0,
        typicalOutputTokens: () => typical,
      },
    );
  return { clock, ledger, call, bound, policy, attempt };
}

describe('admission', () => {
  it('refuses at once a call that the budget cannot pay', async () => {
    const { attempt, bound, clock } = setUp({}, { max_tokens: 100 });
    expect(await attempt('a', bound - 1n)).toMatchObject({ refused: { reason: 'team_budget_exceeded' } });
    expect(clock.sleptMs()).toBe(0);
  });

  it("lowers the client's output limit to what the budget still pays if the team clamps", async () => {
    const { attempt, bound, call } = setUp({ whenLow: 'clamp' }, { max_tokens: 2_000 });
    const rest = worstCaseCost(call.model, call.maxInputTokens, 700);
    expect(rest).toBeLessThan(bound);
    expect(await attempt('a', rest)).toMatchObject({
      kind: 'admitted',
      call: { maxOutputTokens: 700 },
      view: { availablePicoUsd: 0n },
    });
  });

  it("never lowers the client's output limit below 64 tokens, nor for a team that refuses", async () => {
    const clamping = setUp({ whenLow: 'clamp' }, { max_tokens: 2_000 });
    const minimum = worstCaseCost(clamping.call.model, clamping.call.maxInputTokens, 64);
    expect(await clamping.attempt('a', minimum - 1n)).toMatchObject({ refused: { reason: 'team_budget_exceeded' } });
    const short = setUp({ whenLow: 'clamp' }, { max_tokens: 10 });
    expect(await short.attempt('a', short.bound)).toMatchObject({ kind: 'admitted', call: { maxOutputTokens: 10 } });
    expect(await short.attempt('b', short.bound - 1n)).toMatchObject({ refused: {} });
    const refusing = setUp({}, { max_tokens: 2_000 });
    expect(await refusing.attempt('a', refusing.bound - 1n)).toMatchObject({ refused: {} });
  });

  it('waits for money that another call holds, and reserves it once it is released', async () => {
    const { attempt, bound, clock, ledger } = setUp({}, { max_tokens: 100 });
    const first = await attempt('a', bound + 1_000n);
    if (first.kind !== 'admitted') throw new Error('the first call must be admitted');
    clock.at(2_000, () => ledger.settle(first.key, first.terms, buildSettlement(500n)));
    expect(await attempt('b', bound + 1_000n)).toMatchObject({ kind: 'admitted', call: { maxOutputTokens: 100 } });
    expect(clock.sleptMs()).toBeLessThan(2_500);
  });

  it('stops waiting for held money after half a minute, and reports how much is held', async () => {
    const { attempt, bound, clock } = setUp({}, { max_tokens: 100 });
    await attempt('a', bound);
    expect(await attempt('b', bound)).toMatchObject({
      refused: { reason: 'team_budget_exceeded' },
      view: { reservedPicoUsd: bound },
    });
    expect(clock.sleptMs()).toBeGreaterThanOrEqual(30_000);
    expect(clock.sleptMs()).toBeLessThan(31_000);
  });

  it('does not wait for the money of a call that is half a minute older: its process may be dead', async () => {
    const { attempt, bound, clock } = setUp({}, { max_tokens: 100 });
    await attempt('dead', bound);
    await clock.sleep(30_000);
    expect(await attempt('b', bound)).toMatchObject({
      refused: { reason: 'team_budget_exceeded', reservedPicoUsd: bound, reclaimablePicoUsd: 0n },
      view: { reservedPicoUsd: bound },
    });
    expect(clock.sleptMs()).toBe(30_000);
  });

  it('never lowers the default output limit while other calls hold money, however old they are', async () => {
    const { attempt, bound, call, clock } = setUp({});
    const budget = bound + worstCaseCost(call.model, call.maxInputTokens, 80);
    await attempt('long', budget);
    await clock.sleep(31_000);
    expect(await attempt('b', budget)).toMatchObject({ refused: { reservedPicoUsd: bound, reclaimablePicoUsd: 0n } });
  });

  it("does not wait at the organisation's cap for the money of a call that is half a minute older", async () => {
    const { attempt, bound, clock, ledger, policy } = setUp({}, { max_tokens: 100 });
    const capped = { policy: { ...policy, organizationCapPicoUsd: bound } };
    const dead = { team: 'dead', period: '2026-11' };
    const terms = buildReserveTerms('d', bound, { expiresAtEpochMs: clock.nowEpochMs() + 85_000 });
    await ledger.reserve(dead, budgets(bound, bound), terms);
    expect(await attempt('a', bound, undefined, capped)).toMatchObject({
      refused: {
        reason: 'organization_budget_exceeded',
        reservedPicoUsd: bound,
        reclaimablePicoUsd: 0n,
        limitPicoUsd: bound,
      },
    });
    expect(clock.sleptMs()).toBe(0);
  });

  it('never writes while it waits, and reads with backoff until the call may fit', async () => {
    const { attempt, bound, clock, ledger } = setUp({}, { max_tokens: 100 });
    const first = await attempt('a', bound);
    if (first.kind !== 'admitted') throw new Error('the first call must be admitted');
    Object.assign(ledger, { isBlind: true, writes: 0 });
    clock.at(20_000, () => ledger.settle(first.key, first.terms, buildSettlement(0n)));
    expect(await attempt('b', bound)).toMatchObject({ kind: 'admitted' });
    expect(ledger.writes).toBe(2);
    expect(ledger.reads).toBeLessThanOrEqual(13);
    expect(clock.sleptMs()).toBeLessThan(22_100);
  });

  it('never reads while the cached view of the ledger is fresh', async () => {
    const { attempt, bound, ledger } = setUp({}, { max_tokens: 100 });
    await attempt('a', bound);
    await attempt('b', bound);
    expect([ledger.writes, ledger.reads]).toEqual([3, 0]);
  });

  it('stops waiting once only dead processes hold money', async () => {
    const { attempt, bound, clock, ledger } = setUp({}, { max_tokens: 100 });
    await attempt('dead', 2n * bound);
    await clock.sleep(30_000);
    const young = await attempt('young', 2n * bound);
    if (young.kind !== 'admitted') throw new Error('there is money for two');
    ledger.isBlind = true;
    clock.at(32_000, () => ledger.settle(young.key, young.terms, buildSettlement(bound)));
    expect(await attempt('b', 2n * bound)).toMatchObject({
      refused: { reservedPicoUsd: bound, reclaimablePicoUsd: 0n },
    });
    expect(clock.sleptMs()).toBeLessThan(35_000);
  });

  it("waits with backoff at a key's own limit and at the organisation's cap", async () => {
    const narrow = setUp({}, { max_tokens: 100 });
    const scope = { scope: { usd: Number(toUsdString(narrow.bound)) } };
    await narrow.attempt('a', 10n ** 12n, undefined, scope);
    expect(await narrow.attempt('b', 10n ** 12n, undefined, scope)).toMatchObject({
      refused: { reason: 'key_budget_exceeded' },
    });
    expect(narrow.clock.sleptMs()).toBeGreaterThanOrEqual(30_000);
    expect(narrow.ledger.writes).toBe(3);
    const { attempt, bound, clock, ledger, policy } = setUp({}, { max_tokens: 100 });
    const capped = { policy: { ...policy, organizationCapPicoUsd: bound } };
    await attempt('a', bound, undefined, capped);
    expect(await attempt('b', bound, undefined, capped)).toMatchObject({
      refused: { reason: 'organization_budget_exceeded' },
    });
    expect(clock.sleptMs()).toBeGreaterThanOrEqual(30_000);
    expect(ledger.writes).toBeLessThanOrEqual(21);
  });

  it('calls onWait before each wait, and never without one', async () => {
    const { attempt, bound } = setUp({}, { max_tokens: 100 });
    const onWait = vi.fn();
    await attempt('a', bound, undefined, { onWait });
    expect(onWait).not.toHaveBeenCalled();
    await attempt('b', bound, undefined, { onWait });
    expect(onWait).toHaveBeenCalled();
  });

  it('lowers the default output limit to the rest of the budget instead of refusing', async () => {
    const { attempt, call } = setUp({ maxTokensPerRequest: 2_048 });
    const budget = worstCaseCost(call.model, call.maxInputTokens, 300);
    expect(await attempt('a', budget)).toMatchObject({ kind: 'admitted', call: { maxOutputTokens: 300 } });
  });

  it("never lowers the client's output limit by default", async () => {
    const { attempt, call } = setUp({}, { max_tokens: 2_048 });
    expect(await attempt('a', worstCaseCost(call.model, call.maxInputTokens, 300))).toMatchObject({
      refused: { reason: 'team_budget_exceeded' },
    });
  });

  it('refuses rather than lower the default output limit below 64 tokens', async () => {
    const { attempt, call } = setUp({ maxTokensPerRequest: 2_048 });
    expect(await attempt('a', worstCaseCost(call.model, call.maxInputTokens, 63))).toMatchObject({
      refused: { reason: 'team_budget_exceeded' },
    });
  });

  it('reserves the typical length if the default output limit does not fit next to other calls', async () => {
    const { attempt, bound, call } = setUp({ maxTokensPerRequest: 2_048 });
    const budget = bound + worstCaseCost(call.model, call.maxInputTokens, 150);
    expect(await attempt('a', budget, 100)).toMatchObject({ kind: 'admitted', call: { maxOutputTokens: 2_048 } });
    expect(await attempt('b', budget, 100)).toMatchObject({ kind: 'admitted', call: { maxOutputTokens: 100 } });
  });

  it('refuses a call over its rate with the exact retry-after, or waits up to maxQueueMs', async () => {
    const strict = setUp({ rateLimitRpm: 60 }, { max_tokens: 10 });
    for (let n = 0; n < 60; n++) await strict.attempt(`c${n}`, 10n ** 12n);
    expect(await strict.attempt('x', 10n ** 12n)).toMatchObject({
      refused: { reason: 'requests_exceeded', retryAfterMs: 1_000 },
    });
    const patient = setUp({ rateLimitRpm: 60, maxQueueMs: 2_000 }, { max_tokens: 10 });
    for (let n = 0; n < 60; n++) await patient.attempt(`c${n}`, 10n ** 12n);
    expect(await patient.attempt('x', 10n ** 12n)).toMatchObject({ kind: 'admitted' });
    expect(patient.clock.sleptMs()).toBe(1_000);
  });

  it('waits for a concurrency slot up to maxQueueMs', async () => {
    const { attempt, clock, ledger } = setUp({ maxConcurrent: 1, maxQueueMs: 500 }, { max_tokens: 10 });
    const first = await attempt('a', 10n ** 12n);
    if (first.kind !== 'admitted') throw new Error('the first call must be admitted');
    expect(await attempt('b', 10n ** 12n)).toMatchObject({ refused: { reason: 'concurrency_exceeded' } });
    expect(clock.sleptMs()).toBe(500);
    clock.at(750, () => ledger.settle(first.key, first.terms, buildSettlement(500n)));
    expect(await attempt('c', 10n ** 12n)).toMatchObject({ kind: 'admitted' });
    expect(clock.sleptMs()).toBe(800);
  });
});
