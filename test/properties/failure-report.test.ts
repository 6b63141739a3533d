import { expect, it } from 'vitest';
import { arbitraryStep, checkStepSequences, describeStep } from '../support/ledger/ledger-steps.ts';

it('reports a sequence that breaks a ledger in words, shrunk to the relevant steps', async () => {
  // Stands for a ledger that cannot take a call after a pause.
  const runSteps = async (steps: readonly { kind: string }[]) => {
    const paused = steps.findIndex(({ kind }) => kind === 'pause');
    if (paused >= 0 && steps.slice(paused).some(({ kind }) => kind === 'reserve')) throw new Error('the sums differ');
  };
  const failed = checkStepSequences(arbitraryStep, runSteps, describeStep, { maxLength: 40, numRuns: 100, seed: 7 });
  const { message } = await failed.then(
    () => new Error('the story did not fail'),
    (error: Error) => error,
  );
  expect(message).toMatch(
    /^A story of 2 steps breaks what must hold \(seed 7, path "[\d:]+"\):\n {2}1\. ant is paused (until resumed|for .* s)\n {2}2\. call 0 of ant asks for 1 and 1 tokens\nThen: the sums differ$/,
  );
});
