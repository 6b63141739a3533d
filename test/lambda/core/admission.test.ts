import { describe, expect, it } from 'vitest';
import { admit } from '../../../lambda/core/admission.ts';
import { type ChatRequest, parseChatRequest } from '../../../lambda/core/chat-request.ts';
import { type BoundedCall, decide } from '../../../lambda/core/decide.ts';
import { picoUsd } from '../../../lambda/core/money.ts';
import { worstCaseCost } from '../../../lambda/core/pricing.ts';
import { catalog, policyWith } from '../../support/catalog.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { settlementOf } from '../../support/ledger-terms.ts';
import { MemoryLedger } from '../../support/memory-ledger.ts';

const identity = { keyId: 'k', role: 'member', team: 'chatbot' } as const;

function setUp(fields: Record<string, unknown>, body: object = {}) {
  const clock = fakeClock();
  const ledger = new MemoryLedger(clock.nowEpochMs);
  const policy = policyWith({ rateLimitRpm: null, maxConcurrent: 200, ...fields });
  const request = parseChatRequest(
    JSON.stringify({ model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'Hi' }], ...body }),
  ) as ChatRequest;
  const call = decide(identity, policy, catalog, request) as BoundedCall;
  const bound = worstCaseCost(call.model, call.inputTokens, call.maxOutputTokens);
  const withBudget = (pico: bigint) => ({ ...policy, monthlyBudgetPicoUsd: picoUsd(pico) });
  const attempt = (id: string, budget: bigint, usual?: number) =>
    admit(
      { ledger, clock },
      {
        id,
        keyId: 'k',
        policy: withBudget(budget),
        call,
        deadlineEpochMs: clock.nowEpochMs() + 100_000,
        queuedMs: 0,
        usualOutputTokens: () => usual,
      },
    );
  return { clock, ledger, call, bound, attempt };
}

describe('admission', () => {
  it('refuses at once what the budget can no longer pay', async () => {
    const { attempt, bound, clock } = setUp({}, { max_tokens: 100 });
    expect(await attempt('a', bound - 1n)).toMatchObject({ refused: { reason: 'team_budget_exceeded' } });
    expect(clock.sleptMs()).toBe(0);
  });

  it('lowers a stated length to what the budget still pays, where the team wants that', async () => {
    const { attempt, bound, call } = setUp({ whenLow: 'clamp' }, { max_tokens: 2_000 });
    const rest = worstCaseCost(call.model, call.inputTokens, 700);
    expect(rest).toBeLessThan(bound);
    expect(await attempt('a', rest)).toMatchObject({ admitted: { maxOutputTokens: 700, view: { available: 0n } } });
  });

  it('lowers no stated length below 64 tokens, nor where the team does not want it', async () => {
    const clamping = setUp({ whenLow: 'clamp' }, { max_tokens: 2_000 });
    const least = worstCaseCost(clamping.call.model, clamping.call.inputTokens, 64);
    expect(await clamping.attempt('a', least - 1n)).toMatchObject({ refused: { reason: 'team_budget_exceeded' } });
    const short = setUp({ whenLow: 'clamp' }, { max_tokens: 10 });
    expect(await short.attempt('a', short.bound)).toMatchObject({ admitted: { maxOutputTokens: 10 } });
    expect(await short.attempt('b', short.bound - 1n)).toMatchObject({ refused: {} });
    const refusing = setUp({}, { max_tokens: 2_000 });
    expect(await refusing.attempt('a', refusing.bound - 1n)).toMatchObject({ refused: {} });
  });

  it('waits for money that another call holds, and takes it as it comes free', async () => {
    const { attempt, bound, clock, ledger } = setUp({}, { max_tokens: 100 });
    const first = await attempt('a', bound + 1_000n);
    if (!('admitted' in first)) throw new Error('the first call must be admitted');
    clock.at(2_000, () => ledger.settle(first.admitted.key, first.admitted.terms, settlementOf(500n)));
    expect(await attempt('b', bound + 1_000n)).toMatchObject({ admitted: { maxOutputTokens: 100 } });
    expect(clock.sleptMs()).toBeLessThan(2_500);
  });

  it('gives up waiting for held money after half a minute, saying how much is held', async () => {
    const { attempt, bound, clock } = setUp({}, { max_tokens: 100 });
    await attempt('a', bound);
    expect(await attempt('b', bound)).toMatchObject({
      refused: { reason: 'team_budget_exceeded' },
      view: { reserved: bound },
    });
    expect(clock.sleptMs()).toBeGreaterThanOrEqual(30_000);
    expect(clock.sleptMs()).toBeLessThan(31_000);
  });

  it('does not wait for a call that is half a minute older: its process may be dead', async () => {
    const { attempt, bound, clock } = setUp({}, { max_tokens: 100 });
    await attempt('dead', bound);
    await clock.sleep(30_000);
    expect(await attempt('b', bound)).toMatchObject({
      refused: { reason: 'team_budget_exceeded', heldPicoUsd: 0n },
      view: { reserved: bound },
    });
    expect(clock.sleptMs()).toBe(30_000);
  });

  it('fits an open-ended call to the rest of the budget rather than refuse it', async () => {
    const { attempt, call } = setUp({ maxTokensPerRequest: 2_048 });
    const budget = worstCaseCost(call.model, call.inputTokens, 300);
    expect(await attempt('a', budget)).toMatchObject({ admitted: { maxOutputTokens: 300 } });
  });

  it('never shortens a call whose client stated its length', async () => {
    const { attempt, call } = setUp({}, { max_tokens: 2_048 });
    expect(await attempt('a', worstCaseCost(call.model, call.inputTokens, 300))).toMatchObject({
      refused: { reason: 'team_budget_exceeded' },
    });
  });

  it('does not fit an open-ended call to less than makes an answer', async () => {
    const { attempt, call } = setUp({ maxTokensPerRequest: 2_048 });
    expect(await attempt('a', worstCaseCost(call.model, call.inputTokens, 63))).toMatchObject({
      refused: { reason: 'team_budget_exceeded' },
    });
  });

  it('holds what such calls usually need when the whole allowance does not fit beside the others', async () => {
    const { attempt, bound, call } = setUp({ maxTokensPerRequest: 2_048 });
    const budget = bound + worstCaseCost(call.model, call.inputTokens, 150);
    expect(await attempt('a', budget, 100)).toMatchObject({ admitted: { maxOutputTokens: 2_048 } });
    expect(await attempt('b', budget, 100)).toMatchObject({ admitted: { maxOutputTokens: 100 } });
  });

  it('refuses a call over its rate at once with the exact wait, or waits as long as the team allows', async () => {
    const strict = setUp({ rateLimitRpm: 60 }, { max_tokens: 10 });
    for (let n = 0; n < 60; n++) await strict.attempt(`c${n}`, 10n ** 12n);
    expect(await strict.attempt('x', 10n ** 12n)).toMatchObject({
      refused: { reason: 'requests_exceeded', retryAfterMs: 1_000 },
    });
    const patient = setUp({ rateLimitRpm: 60, maxQueueMs: 2_000 }, { max_tokens: 10 });
    for (let n = 0; n < 60; n++) await patient.attempt(`c${n}`, 10n ** 12n);
    expect(await patient.attempt('x', 10n ** 12n)).toHaveProperty('admitted');
    expect(patient.clock.sleptMs()).toBe(1_000);
  });

  it('waits for a place as long as the team allows', async () => {
    const { attempt, clock, ledger } = setUp({ maxConcurrent: 1, maxQueueMs: 500 }, { max_tokens: 10 });
    const first = await attempt('a', 10n ** 12n);
    if (!('admitted' in first)) throw new Error('the first call must be admitted');
    expect(await attempt('b', 10n ** 12n)).toMatchObject({ refused: { reason: 'concurrency_exceeded' } });
    expect(clock.sleptMs()).toBe(500);
    clock.at(750, () => ledger.settle(first.admitted.key, first.admitted.terms, settlementOf(500n)));
    expect(await attempt('c', 10n ** 12n)).toHaveProperty('admitted');
    expect(clock.sleptMs()).toBe(800);
  });
});
