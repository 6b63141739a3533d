import { describe, expect, it } from 'vitest';
import type { BoundedCall } from '../../../lambda/chat/request/bounded-call.ts';
import { type ChatRequest, parseChatRequest } from '../../../lambda/chat/request/chat-request.ts';
import { decide } from '../../../lambda/chat/request/decide.ts';
import { explainReserveRefusal } from '../../../lambda/chat/reserve-refusal.ts';
import { picoUsdFromNumber as usd, ZERO_USD } from '../../../lambda/kernel/money.ts';
import { formatUtc } from '../../../lambda/kernel/period.ts';
import { openLedger } from '../../../lambda/ledger/ledger.ts';
import type { ReserveRefusal } from '../../../lambda/ledger/reservation.ts';
import { catalog, policyWith } from '../../support/catalog.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

const policy = policyWith({});
const body = { model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 100 };
const request = parseChatRequest(JSON.stringify(body)) as ChatRequest;
const call = decide({ keyId: 'k', role: 'member', team: 'chatbot' }, policy, catalog, request) as BoundedCall;
const held = { reservedPicoUsd: ZERO_USD, reclaimablePicoUsd: ZERO_USD };
const overdrawn = { limitPicoUsd: usd(620), availablePicoUsd: usd(-80), ...held };

describe('explainReserveRefusal', () => {
  const view = { ...openLedger(usd(200)), availablePicoUsd: usd(-5), spentPicoUsd: usd(205) };
  const explain = (refused: ReserveRefusal) => explainReserveRefusal(policy, call, refused, view, START_MS).message;

  it.each<[string, ReserveRefusal]>([
    ['$0 is left, and', { reason: 'team_budget_exceeded', ...held }],
    ['has $0 left of its own monthly limit of $620', { reason: 'key_budget_exceeded', ...overdrawn }],
    ['for all teams: $0 is left', { reason: 'organization_budget_exceeded', ...overdrawn }],
  ])('never reports negative dollars: %s', (text, refused) => {
    expect(explain(refused)).toContain(text);
    expect(explain(refused)).not.toContain('$-');
  });

  it("reports the cap in force, not the policy's", () => {
    const message = explain({ reason: 'organization_budget_exceeded', ...overdrawn });
    expect(message).toContain("The organisation's monthly cap of $620 is used up");
  });

  it('says how many calls hold the places, and since when', () => {
    const inFlight = { calls: 6, oldestSinceEpochMs: START_MS - 65_000 };
    const message = explain({ reason: 'concurrency_exceeded', retryAfterMs: 1_000, inFlight });
    const since = formatUtc(START_MS - 65_000);
    expect(message).toBe(
      `Team "chatbot" has 6 requests in flight, and its limit is ${policy.maxConcurrent}; the oldest started at ${since}. Try again in 1 s.`,
    );
  });
});
