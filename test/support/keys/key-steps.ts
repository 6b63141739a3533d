import fc from 'fast-check';
import { MODELS } from './key-rig.ts';

/** The properties of a requested key. */
export type NewKeyRequest = {
  readonly role: 'admin' | 'lead' | 'member' | 'viewer';
  readonly team: 'ant' | 'bee';
  readonly models: readonly string[] | undefined;
  readonly endpoints: readonly string[] | undefined;
  readonly usd: number | undefined;
  readonly lastsS: number | undefined;
};

/** A step of a test sequence. `by` and `key` are indices into the existing keys, modulo their number. */
export type KeyStep =
  | {
      readonly kind: 'create';
      readonly by: number;
      readonly request: NewKeyRequest;
      readonly idempotencyKey: string | undefined;
    }
  | { readonly kind: 'rotate'; readonly by: number; readonly key: number; readonly overlapHours: number }
  | { readonly kind: 'revoke'; readonly by: number; readonly key: number }
  | { readonly kind: 'show'; readonly by: number; readonly key: number }
  | { readonly kind: 'list' | 'read the audit'; readonly by: number }
  | { readonly kind: 'call'; readonly by: number; readonly model: string }
  | { readonly kind: 'wait'; readonly s: number };

/** The index of the newest key, which most bugs would be about. */
export const NEWEST = -1;
const by = fc.oneof(fc.nat({ max: 40 }), fc.constant(NEWEST));
const key = by;
const kind = <K extends KeyStep['kind']>(name: K) => fc.constant(name);
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined, freq: 2 });
const request: fc.Arbitrary<NewKeyRequest> = fc.record({
  role: fc.constantFrom('member', 'lead', 'viewer', 'admin'),
  team: fc.constantFrom('ant', 'bee'),
  models: maybe(fc.constantFrom([MODELS[0]], [MODELS[1]], [...MODELS])),
  endpoints: maybe(fc.constantFrom(['chat'], ['keys'], ['keys', 'audit'], ['chat', 'keys', 'audit'])),
  usd: maybe(fc.constantFrom(1, 100, 101)),
  lastsS: maybe(fc.constantFrom(30, 90, 4_000)),
});

/** Generates any step, more often those that create keys. */
export const keyStepArbitrary: fc.Arbitrary<KeyStep> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: kind('create'), by, request, idempotencyKey: maybe(fc.constantFrom('x', 'y')) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: kind('rotate'), by, key, overlapHours: fc.constantFrom(0, 24) }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('revoke'), by, key }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('show'), by, key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('list' as const, 'read the audit' as const), by }) },
  { weight: 5, arbitrary: fc.record({ kind: kind('call'), by, model: fc.constantFrom(...MODELS) }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('wait'), s: fc.constantFrom(1, 30, 61, 3_600) }) },
);

/** Formats a step; keys are numbered in order of creation. */
export function formatKeyStep(step: KeyStep): string {
  switch (step.kind) {
    case 'create':
      return `${formatKey(step.by)} asks for ${formatRequest(step.request)}${step.idempotencyKey === undefined ? '' : `, as "${step.idempotencyKey}"`}`;
    case 'rotate':
      return `${formatKey(step.by)} rotates ${formatKey(step.key)}, with ${step.overlapHours} h of overlap`;
    case 'revoke':
      return `${formatKey(step.by)} revokes ${formatKey(step.key)}`;
    case 'show':
      return `${formatKey(step.by)} looks at ${formatKey(step.key)}`;
    case 'list':
      return `${formatKey(step.by)} lists keys`;
    case 'read the audit':
      return `${formatKey(step.by)} reads the audit trail`;
    case 'call':
      return `${formatKey(step.by)} calls ${step.model}`;
    case 'wait':
      return `${step.s} s pass`;
  }
}

function formatKey(number: number): string {
  return number === NEWEST ? 'the newest key' : `key ${number}`;
}

function formatRequest({ role, team, models, endpoints, usd, lastsS }: NewKeyRequest): string {
  return [
    `a ${role} of ${role === 'admin' ? 'all' : team}`,
    ...(models === undefined ? [] : [`for ${models.join(' and ')}`]),
    ...(endpoints === undefined ? [] : [`for ${endpoints.join(' and ')} only`]),
    ...(usd === undefined ? [] : [`with $${usd}`]),
    ...(lastsS === undefined ? [] : [`for ${lastsS} s`]),
  ].join(', ');
}
