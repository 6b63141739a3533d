import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import { type Period, periodAt, periodEndEpochMs } from '../../../lambda/kernel/period.ts';
import type { KeyTerms } from '../../../lambda/ledger/key-ledger.ts';
import type { LedgerKey } from '../../../lambda/ledger/ports.ts';
import { type LedgerState, type ReserveTerms, VOID } from '../../../lambda/ledger/reservation.ts';
import { purgeableReservations } from '../../../lambda/ledger/settle.ts';
import { expireTopUps } from '../../../lambda/ledger/top-ups.ts';
import { budgets, buildReserveTerms, buildSettlement, START_MS } from './ledger-fixtures.ts';
import { ALL, type Step, TEAMS, teamOfCall, usesLimitedKey } from './ledger-steps.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { RealLedger } from './real-ledger.ts';

/** Longer than the TTL of an exhausted cap in the cache, in milliseconds. */
const STEP_DURATION_MS = 300;
/** The time after its expiry in which a reservation can be corrected, in milliseconds. */
const CORRECTABLE_FOR_MS = 3_600_000;
const RPM_COST_US = 10_000_000;
const TPM_COST_US_PER_TOKEN = 60_000;

/** Either of the two ledgers that are compared. */
type AnyLedger = MemoryLedger | RealLedger;

/** Runs an action on the real ledgers, and returns its result. */
export type RunOnLedger = <T>(act: (ledger: RealLedger) => Promise<T>) => Promise<T>;

/** One simulation: the model and the real ledgers, the policies, and the calls in flight. */
export class LedgerSimulation {
  nowEpochMs = START_MS;
  readonly model = new MemoryLedger(() => this.nowEpochMs);
  /** Read at the end of each step. */
  readonly real: RealLedger;
  /** Runs an action on the real ledgers; a test may make it fail halfway first. */
  readonly #perform: RunOnLedger;
  readonly #calls = new Map<number, { key: LedgerKey; terms: ReserveTerms }>();
  readonly #limits = new Map<string, bigint>(TEAMS.map((team) => [team, 1_000n]));
  #cap = 1_500n;
  #acts = 0;
  readonly periods = new Set<Period>();

  constructor(
    client: DynamoDBClient,
    table: string,
    perform: (story: LedgerSimulation) => RunOnLedger = ({ real }) =>
      (act) =>
        act(real),
  ) {
    this.real = new RealLedger(client, table, () => this.nowEpochMs);
    this.#perform = perform(this);
  }

  async performStep(step: Step): Promise<void> {
    this.nowEpochMs += STEP_DURATION_MS;
    this.periods.add(periodAt(this.nowEpochMs));
    const { nowEpochMs } = this;
    switch (step.kind) {
      case 'wait':
        this.nowEpochMs += step.ms;
        break;
      case 'reach the end of the month':
        // Time never goes back, also when less than five seconds are left.
        this.nowEpochMs = Math.max(nowEpochMs, periodEndEpochMs(nowEpochMs) - 5_000);
        break;
      case 'reserve':
        return await this.#reserve(step);
      case 'settle':
      case 'void':
        return await this.#end(step);
      default:
        return await this.#administer(step);
    }
  }

  async #administer(step: Exclude<Step, { kind: 'wait' | 'reserve' | 'settle' | 'void' }>): Promise<void> {
    const period = periodAt(this.nowEpochMs);
    if (step.kind === 'change limit') this.#limits.set(teamOfCall(step.team), BigInt(step.limit));
    if (step.kind === 'change cap') this.#cap = BigInt(step.cap);
    const id = `act-${this.#acts++}`;
    const cap = picoUsd(this.#cap);
    await this.#onBoth(async (ledger) => {
      switch (step.kind) {
        case 'change limit':
          return await ledger.setLimit({ team: teamOfCall(step.team), period }, this.#limitOf(teamOfCall(step.team)));
        case 'change cap':
          return await ledger.setCap(period, cap);
        case 'top up':
          return await ledger.topUp(
            { team: teamOfCall(step.team), period },
            this.#limitOf(teamOfCall(step.team)),
            this.#topUp(id, step),
          );
        case 'top up cap':
          return await ledger.topUpCap(period, cap, this.#topUp(id, step));
        case 'pause':
        case 'resume': {
          const untilEpochMs =
            step.kind === 'pause' && step.lastsMs !== undefined ? this.nowEpochMs + step.lastsMs : undefined;
          const pause = step.kind === 'pause' ? { reason: id, untilEpochMs } : undefined;
          if (step.team === ALL) return await ledger.setPauseForAll(pause, async () => new Set<string>(TEAMS));
          return await ledger.setPause(teamOfCall(step.team), pause);
        }
        case 'revoke key':
          return await ledger.revokeKey(teamOfCall(step.team), limitedKeyId(teamOfCall(step.team)));
        case 'sweep':
          for (const each of this.periods) {
            for (const team of TEAMS) await ledger.sweep({ team, period: each }, this.nowEpochMs);
            await ledger.sweepCap(each, this.nowEpochMs);
          }
      }
    });
  }

  #topUp(id: string, { usd, lastsMs }: { usd: number; lastsMs: number }) {
    return { id, amountPicoUsd: picoUsd(BigInt(usd)), untilEpochMs: this.nowEpochMs + lastsMs };
  }

  #limitOf(team: string) {
    return picoUsd(this.#limits.get(team) ?? 0n);
  }

  async #reserve(step: Extract<Step, { kind: 'reserve' }>): Promise<void> {
    const { nowEpochMs } = this;
    const team = teamOfCall(step.call);
    // A retry keeps the month of its call.
    const known = this.#calls.get(step.call);
    // No process retries a call after its deadline.
    if (known !== undefined && known.terms.reservation.expiresAtEpochMs <= nowEpochMs) return;
    const key = known?.key ?? { team, period: periodAt(nowEpochMs) };
    const keyId = usesLimitedKey(step.call) ? limitedKeyId(team) : 'k';
    const fresh = buildReserveTerms(`call-${step.call}`, BigInt(step.cost), {
      nowEpochMs,
      expiresAtEpochMs: nowEpochMs + 60_000,
      maxConcurrent: 4,
      rpmCostUs: RPM_COST_US,
      tpmCostUs: step.tokens * TPM_COST_US_PER_TOKEN,
      keyId,
      ...(usesLimitedKey(step.call) ? { key: limitedKeyTerms(keyId, step.tokens) } : {}),
    });
    const terms = { ...(known?.terms ?? fresh), nowEpochMs };
    const of = budgets(this.#limitOf(team), this.#cap);
    const expected = await this.model.reserve(key, of, terms);
    const { kind, ...rest } = await this.#perform((ledger) => ledger.reserve(key, of, terms));
    expect(kind).toBe(expected.kind);
    if (expected.kind === 'refused') expect(rest).toMatchObject({ refused: expected.refused });
    if (kind !== 'reserved') return;
    if (known === undefined) await this.#checkCaps(key);
    this.#calls.set(step.call, { key, terms });
  }

  /** After an admission, reserved and spent money may exceed the limits in force only by overruns. */
  async #checkCaps({ team, period }: LedgerKey): Promise<void> {
    let all = 0n;
    for (const one of TEAMS) {
      const state = await this.real.read({ team: one, period });
      if (state === undefined) continue;
      const taken = state.reservedPicoUsd + state.spentPicoUsd - state.overrunPicoUsd;
      all += taken;
      if (one === team) expect(taken <= expireTopUps(state, this.nowEpochMs).limitPicoUsd).toBe(true);
    }
    const organization = await this.real.readOrganization(period);
    if (organization !== undefined) expect(all <= expireTopUps(organization, this.nowEpochMs).limitPicoUsd).toBe(true);
  }

  async #end(step: Extract<Step, { kind: 'settle' | 'void' }>): Promise<void> {
    const call = this.#calls.get(step.call);
    if (call === undefined) return;
    const { key, terms } = call;
    // No process settles this late: the lapsed reservation may have been purged.
    if (terms.reservation.expiresAtEpochMs + CORRECTABLE_FOR_MS <= this.nowEpochMs) return;
    const settlement =
      step.kind === 'void'
        ? { ...VOID, tpmRefundUs: terms.tpmCostUs }
        : buildSettlement((terms.reservation.maxCostPicoUsd * BigInt(step.share)) / 100n, {
            assumed: step.assumed,
            tpmRefundUs: Math.floor(terms.tpmCostUs / 3),
            keyTpmRefundUs: Math.floor((terms.key?.tpmCostUs ?? 0) / 2),
          });
    await this.#onBoth(async (ledger) => {
      await ledger.settle(key, terms, settlement);
    });
  }

  async #onBoth(act: (ledger: AnyLedger) => Promise<void>): Promise<void> {
    await act(this.model);
    await this.#perform(act);
  }
}

function limitedKeyId(team: string): string {
  return `${team}-narrow`;
}

/** Half of the team's budget, a third of its requests, and fewer tokens. */
function limitedKeyTerms(id: string, tokens: number): KeyTerms {
  return {
    id,
    limitPicoUsd: picoUsd(500n),
    rpmCostUs: 3 * RPM_COST_US,
    tpmCostUs: 1.1 * tokens * TPM_COST_US_PER_TOKEN,
  };
}

/** Expects the same ledgers in the model and in DynamoDB, in every month, and every invariant. */
export async function expectSameLedgers(story: LedgerSimulation): Promise<void> {
  for (const period of story.periods) {
    for (const team of TEAMS) {
      const key = { team, period };
      expect(await story.real.read(key)).toEqual(await story.model.read(key));
    }
    expect(await story.real.readOrganization(period)).toEqual(await story.model.readOrganization(period));
  }
  await checkInvariants(story);
}

/** The same after an action may have started twice: the idle money of each team may then differ. */
export async function expectSameExceptLeases(story: LedgerSimulation): Promise<void> {
  for (const period of story.periods) {
    for (const team of TEAMS) {
      const key = { team, period };
      const [expected, actual] = [await story.model.read(key), await story.real.read(key)];
      // A process may have died between the opening of a period and its first call.
      if (expected !== undefined)
        expect(comparable(actual, story.nowEpochMs)).toEqual(comparable(expected, story.nowEpochMs));
    }
    const expected = await story.model.readOrganization(period);
    const actual = await story.real.readOrganization(period);
    if (expected !== undefined)
      expect(actual).toMatchObject({ limitPicoUsd: expected.limitPicoUsd, topUps: expected.topUps });
  }
  await checkInvariants(story);
}

/** Removes what differs after an action was done twice: leases, and purgeable reservations. */
function comparable(state: LedgerState | undefined, nowEpochMs: number) {
  if (state === undefined) return undefined;
  const lapsed = new Map(state.lapsed);
  for (const { id } of purgeableReservations(state, nowEpochMs)) lapsed.delete(id);
  return { ...state, lapsed, leasedPicoUsd: 0n };
}

/** Checks the invariants that hold at all times, also between any two writes. */
export async function checkInvariants({ real, periods }: LedgerSimulation): Promise<void> {
  for (const period of periods) {
    let grantedPicoUsd = 0n;
    for (const team of TEAMS) {
      const state = await real.read({ team, period });
      if (state === undefined) continue;
      checkLedger(state);
      grantedPicoUsd += state.leasedPicoUsd + state.reservedPicoUsd + state.spentPicoUsd;
    }
    const organization = await real.readOrganization(period);
    if (organization === undefined) continue;
    expect(organization.availablePicoUsd + organization.grantedPicoUsd).toBe(organization.limitPicoUsd);
    expect(organization.grantedPicoUsd).toBe(grantedPicoUsd);
  }
}

function checkLedger(state: LedgerState): void {
  expect(state.availablePicoUsd + state.reservedPicoUsd + state.spentPicoUsd).toBe(state.limitPicoUsd);
  const held = [...state.open.values()].reduce((sum, { maxCostPicoUsd }) => sum + maxCostPicoUsd, 0n);
  expect(state.reservedPicoUsd).toBe(held);
  expect(state.open.size).toBeLessThanOrEqual(4);
  for (const { limitPicoUsd, availablePicoUsd } of state.keys.values()) {
    // A key's own budget is exceeded only by overruns.
    expect(
      limitPicoUsd !== undefined && availablePicoUsd <= limitPicoUsd && availablePicoUsd >= -state.overrunPicoUsd,
    ).toBe(true);
  }
  expect(state.spentPicoUsd >= state.assumedPicoUsd && state.assumedPicoUsd >= 0n).toBe(true);
  // The lease is negative only by overruns.
  expect(state.leasedPicoUsd >= -state.overrunPicoUsd).toBe(true);
}
