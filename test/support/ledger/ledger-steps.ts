import fc from 'fast-check';

/** A step of a simulation, in any order; a call has a number, and belongs to one team. */
export type Step =
  | { kind: 'reserve'; call: number; cost: number; tokens: number }
  | { kind: 'settle'; call: number; share: number; assumed: boolean }
  | { kind: 'void'; call: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'reach the end of the month' }
  | { kind: 'sweep' }
  | { kind: 'change limit'; team: number; limit: number }
  | { kind: 'change cap'; cap: number }
  | { kind: 'top up'; team: number; usd: number; lastsMs: number }
  | { kind: 'top up cap'; usd: number; lastsMs: number }
  | { kind: 'pause'; team: number; lastsMs: number | undefined }
  | { kind: 'resume'; team: number }
  | { kind: 'revoke key'; team: number };

/** The teams of every simulation. */
export const TEAMS = ['ant', 'bee', 'cat'] as const;
/** The number of all teams in `pause` and `resume`. */
export const ALL = TEAMS.length;

/** Calls from this number on use a key with limits of its own. */
const FIRST_LIMITED_CALL = 9;
const call = fc.nat({ max: 17 });
const team = fc.nat({ max: TEAMS.length - 1 });
const arbitraryTeamOrAll = fc.nat({ max: ALL });
const lastsMs = fc.integer({ min: 1, max: 60_000 });
const kind = <K extends Step['kind']>(name: K) => fc.constant(name);

/** Any step, the usual ones more often. */
export const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: kind('reserve'),
      call,
      cost: fc.integer({ min: 1, max: 400 }),
      tokens: fc.integer({ min: 1, max: 900 }),
    }),
  },
  {
    weight: 6,
    // Above 100: a call that costs more than its maximum.
    arbitrary: fc.record({
      kind: kind('settle'),
      call,
      share: fc.integer({ min: 0, max: 110 }),
      assumed: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('void'), call }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('wait'), ms: fc.integer({ min: 0, max: 40_000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('reach the end of the month') }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('sweep') }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('change limit'), team, limit: fc.integer({ min: 0, max: 2_000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind('change cap'), cap: fc.integer({ min: 0, max: 3_000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('top up'), team, usd: fc.integer({ min: 1, max: 900 }), lastsMs }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('top up cap'), usd: fc.integer({ min: 1, max: 900 }), lastsMs }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: kind('pause'),
      team: arbitraryTeamOrAll,
      lastsMs: fc.option(lastsMs, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind('resume'), team: arbitraryTeamOrAll }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('revoke key'), team }) },
);

/** A step in words. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'reserve':
      return `${callText(step.call)} asks for ${step.cost} and ${step.tokens} tokens`;
    case 'settle':
      return `${callText(step.call)} comes back at ${step.share} % of its bound${step.assumed ? ', assumed' : ''}`;
    case 'void':
      return `${callText(step.call)} was refused by Groq`;
    case 'wait':
      return `${step.ms / 1000} s pass`;
    case 'reach the end of the month':
      return 'it is five seconds to midnight, and the month ends';
    case 'sweep':
      return 'the sweep comes by';
    case 'change limit':
      return `${TEAMS[step.team]}'s policy gives ${step.limit}`;
    case 'change cap':
      return `the organisation's cap becomes ${step.cap}`;
    case 'top up':
      return `${TEAMS[step.team]} gets ${step.usd} more for ${step.lastsMs / 1000} s`;
    case 'top up cap':
      return `the cap gets ${step.usd} more for ${step.lastsMs / 1000} s`;
    case 'pause':
      return `${whoText(step.team)} paused ${step.lastsMs === undefined ? 'until resumed' : `for ${step.lastsMs / 1000} s`}`;
    case 'resume':
      return `${whoText(step.team)} resumed`;
    case 'revoke key':
      return `${TEAMS[step.team]}'s narrow key is revoked`;
  }
}

/** Returns the team that a call belongs to. */
export function teamOfCall(number: number): (typeof TEAMS)[number] {
  return TEAMS[number % TEAMS.length] as (typeof TEAMS)[number];
}

/** True for a call that uses a key with limits of its own. */
export function usesLimitedKey(number: number): boolean {
  return number >= FIRST_LIMITED_CALL;
}

function callText(number: number): string {
  return `call ${number} of ${teamOfCall(number)}${usesLimitedKey(number) ? ', by its narrow key,' : ''}`;
}

function whoText(number: number): string {
  return number === ALL ? 'all teams are' : `${TEAMS[number]} is`;
}

/** Renders a failed sequence, shrunk: its steps in order, and the error at the end. */
export function describeFailure<S>(
  details: fc.RunDetails<[readonly S[]]>,
  formatStep: (step: S) => string,
): string | undefined {
  if (!details.failed) return undefined;
  const steps = details.counterexample?.[0] ?? [];
  const error = details.errorInstance;
  return [
    `A story of ${steps.length} steps breaks what must hold (seed ${details.seed}, path "${details.counterexamplePath}"):`,
    ...steps.map((step, index) => `${String(index + 1).padStart(3)}. ${formatStep(step)}`),
    `Then: ${error instanceof Error ? error.message : String(error)}`,
  ].join('\n');
}

/** Runs sequences of steps; reports a failed one in words. */
export async function checkStepSequences<S>(
  step: fc.Arbitrary<S>,
  runSteps: (steps: readonly S[]) => Promise<void>,
  formatStep: (step: S) => string,
  options: { readonly maxLength: number; readonly numRuns: number; readonly seed?: number },
): Promise<void> {
  const { maxLength, ...parameters } = options;
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength, size: 'max' }), runSteps), {
    ...parameters,
    asyncReporter: async (details) => {
      const report = describeFailure(details, formatStep);
      if (report !== undefined) throw new Error(report);
    },
  });
}
