import { expect, it } from 'vitest';
import { nextStep, type RefusedAttempt } from '../../../lambda/chat/admission-step.ts';
import { type BoundedCall, limitOutput } from '../../../lambda/chat/request/bounded-call.ts';
import { type ChatRequest, parseChatRequest } from '../../../lambda/chat/request/chat-request.ts';
import { decide } from '../../../lambda/chat/request/decide.ts';
import { addUsd, type PicoUsd, subtractUsd, ZERO_USD } from '../../../lambda/kernel/money.ts';
import type { ReserveRefusal } from '../../../lambda/ledger/reservation.ts';
import { catalog, policyWith } from '../../support/catalog.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

const policy = policyWith({ maxTokensPerRequest: 2_048, maxQueueMs: 1_000 });
const callWith = (fields: object) => {
  const body = { model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'Hi' }], ...fields };
  const request = parseChatRequest(JSON.stringify(body)) as ChatRequest;
  return decide({ keyId: 'k', role: 'member', team: 'chatbot' }, policy, catalog, request) as BoundedCall;
};
/** No output limit from the client. */
const open = callWith({});
/** An output limit of 2,000 tokens from the client. */
const fixed = callWith({ max_tokens: 2_000 });
const costWith = (outputTokens: number) => limitOutput(open, outputTokens).maxCostPicoUsd;

const team = (reserved: PicoUsd, reclaimable = reserved): ReserveRefusal => ({
  reason: 'team_budget_exceeded',
  reservedPicoUsd: reserved,
  reclaimablePicoUsd: reclaimable,
});
const other = (
  reason: 'key_budget_exceeded' | 'organization_budget_exceeded',
  availablePicoUsd: PicoUsd,
  reserved: PicoUsd,
): ReserveRefusal => ({
  reason,
  limitPicoUsd: addUsd(availablePicoUsd, reserved),
  availablePicoUsd,
  reservedPicoUsd: reserved,
  reclaimablePicoUsd: reserved,
});
const rate = (retryAfterMs: number): ReserveRefusal => ({ reason: 'requests_exceeded', retryAfterMs });
const slot: ReserveRefusal = { reason: 'concurrency_exceeded', retryAfterMs: 1 };
const oneLess = (amount: PicoUsd) => subtractUsd(amount, 1n as PicoUsd);

type Given = Partial<RefusedAttempt> & { readonly left?: PicoUsd; readonly nowMs?: number };
const REFUSE = { kind: 'refuse' };
const full = open.maxCostPicoUsd;

it.each<[string, ReserveRefusal, Given, object]>([
  // Refusals that no wait can change.
  ['refuses a paused team', { reason: 'team_paused', why: 'audit', untilEpochMs: undefined }, {}, REFUSE],
  ['refuses a revoked key', { reason: 'key_revoked' }, {}, REFUSE],
  ['refuses after the last attempt', rate(1), { attempts: 1_000 }, REFUSE],
  // Rates and concurrency.
  ['sleeps until the rate allows the call', rate(1_000), {}, { kind: 'sleep', ms: 1_000, call: open }],
  ['refuses a wait over maxQueueMs', rate(1_001), {}, REFUSE],
  ['counts the time queued before', rate(1_000), { queuedMs: 1 }, REFUSE],
  ['counts the time waited since the start', rate(1_000), { nowMs: 1 }, REFUSE],
  ['refuses a wait beyond the deadline', rate(1_000), { deadlineEpochMs: START_MS + 999 }, REFUSE],
  ['polls for a concurrency slot', slot, {}, { kind: 'sleep', ms: 100, call: open }],
  ['keeps a lowered limit while it sleeps', slot, { tried: limitOutput(open, 99) }, { call: { maxOutputTokens: 99 } }],
  // Budgets: a lower output limit.
  ['lowers to what is left when nobody holds money', team(ZERO_USD), { left: costWith(300) }, lowered(300)],
  ['refuses less than 64 tokens', team(ZERO_USD), { left: oneLess(costWith(64)) }, REFUSE],
  ['lowers to the typical length', team(full), { left: costWith(150), typicalOutputTokens: 100 }, lowered(100)],
  ['takes no typical length under 64', team(full), { left: costWith(150), typicalOutputTokens: 5 }, lowered(64)],
  ["never lowers the client's limit", team(ZERO_USD), { call: fixed, left: costWith(300) }, REFUSE],
  [
    "lowers the client's limit if the team clamps",
    team(ZERO_USD),
    { call: fixed, left: costWith(300), policy: { ...policy, whenLow: 'clamp' } },
    lowered(300),
  ],
  [
    'lowers no limit twice to the same length',
    team(full),
    { tried: limitOutput(open, 100), left: costWith(150), typicalOutputTokens: 100 },
    { kind: 'watch_ledger', call: open },
  ],
  // Budgets: waiting.
  ['watches the ledger for money that others hold', team(full), {}, watch('team_budget_exceeded')],
  [
    "watches the ledger for a key's money",
    other('key_budget_exceeded', ZERO_USD, full),
    {},
    watch('key_budget_exceeded'),
  ],
  [
    "backs off for the organisation's money",
    other('organization_budget_exceeded', ZERO_USD, full),
    {},
    { kind: 'back_off', call: open, maxWaitMs: 30_000 },
  ],
  ['waits no longer than the deadline', team(full), { deadlineEpochMs: START_MS + 5 }, { maxWaitMs: 5 }],
  ['waits half a minute in all', team(full), { nowMs: 29_000 }, { maxWaitMs: 1_000 }],
  ['refuses after half a minute', team(full), { nowMs: 30_000 }, REFUSE],
  ['waits for what pays 64 tokens', team(costWith(64)), {}, { kind: 'watch_ledger', minCostPicoUsd: costWith(64) }],
  ['refuses if all that is held pays less', team(oneLess(costWith(64))), {}, REFUSE],
  ['does not wait for money of stuck calls', team(full, ZERO_USD), {}, REFUSE],
])('%s', (_title, refused, { left = ZERO_USD, nowMs = 0, ...given }, expected) => {
  const { call = open } = given;
  const attempt: RefusedAttempt = {
    ...{ call, tried: call, refused, policy, view: { availablePicoUsd: left } },
    ...{ attempts: 1, startEpochMs: START_MS, deadlineEpochMs: START_MS + 100_000, queuedMs: 0 },
    typicalOutputTokens: undefined,
    ...given,
  };
  expect(nextStep(attempt, START_MS + nowMs)).toMatchObject(expected);
});

function lowered(maxOutputTokens: number): object {
  return { kind: 'retry', call: { maxOutputTokens, maxCostPicoUsd: costWith(maxOutputTokens) } };
}

function watch(reason: string): object {
  return { kind: 'watch_ledger', reason, call: open, wanted: open, minCostPicoUsd: costWith(64), maxWaitMs: 30_000 };
}
