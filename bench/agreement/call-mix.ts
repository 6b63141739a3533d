import type { EnvironmentFile } from '../../lambda/policy/environment.ts';

/** One chat completion to send. */
export type MixedCall = {
  readonly team: string;
  readonly process: number;
  readonly body: object;
  /** The client hangs up at the first bytes of the response. */
  readonly disconnects: boolean;
};

const LARGE = 'openai/gpt-oss-120b';
const SMALL = 'openai/gpt-oss-20b';

const generousPolicy = {
  allowedModels: [LARGE, SMALL],
  monthlyBudgetUsd: 1_000,
  rateLimitRpm: null,
  rateLimitTpm: null,
  maxConcurrent: 200,
  maxTokensPerRequest: 2_048,
};

/** Teams whose calls are refused for different reasons, and two whose calls are not. */
export const MIXED_ENVIRONMENT: EnvironmentFile = {
  organization: { monthlyCapUsd: 5_000 },
  teams: {
    search: generousPolicy,
    support: generousPolicy,
    narrow: { ...generousPolicy, allowedModels: [SMALL], maxTokensPerRequest: 256 },
    hurried: { ...generousPolicy, rateLimitRpm: 120 },
    poor: { ...generousPolicy, monthlyBudgetUsd: 0.002 },
  },
};

/** Instructions to the fake Groq in the message. Some faults apply once, so that the gateway's retry succeeds. */
const MARKERS = [
  ...['', '', '', '[tokens:200]', '[tokens:40]', '[cached:10]', '[cached:14][tokens:90]', '[reasoning:5]'],
  ...['[reasoning:60][tokens:120]', '[fault:no-done]', '[fault:429-once:0]', '[fault:503-once]'],
  ...['[fault:400]', '[fault:500]', '[fault:blocked]', '[fault:reset]', '[fault:cut]', '[fault:error-chunk]'],
  ...['[fault:no-usage]', '[fault:wrong-usage]', '[fault:zero-usage]'],
];
/** Teams with few refusals call more often, so that most calls reach Groq. */
const TEAMS = [...Object.keys(MIXED_ENVIRONMENT.teams), 'search', 'support', 'search', 'support', 'narrow'];

/** Builds a mix of calls, deterministic for a given count. */
export function buildMixedCalls(count: number, processes: number): readonly MixedCall[] {
  const next = createRandom(count);
  const pickFrom = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)] as T;
  return Array.from({ length: count }, (_, index) => {
    const [team, stream] = [pickFrom(TEAMS), next() < 0.5];
    const content = `${pickFrom(MARKERS)} call ${index}`;
    const validBody = {
      model: pickFrom([LARGE, SMALL]),
      stream,
      max_tokens: 250,
      messages: [{ role: 'user', content }],
    };
    const roll = next();
    const body =
      roll < 0.03
        ? { ...validBody, model: 'nobody/knows' }
        : roll < 0.05
          ? { ...validBody, max_tokens: 100_000 }
          : roll < 0.06
            ? { ...validBody, messages: 'none' }
            : validBody;
    return { team, process: Math.floor(next() * processes), body, disconnects: stream && next() < 0.05 };
  });
}

/** A seeded generator of numbers from 0 to 1 (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
