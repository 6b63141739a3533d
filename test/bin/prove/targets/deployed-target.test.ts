import { describe, expect, it } from 'vitest';
import { requireSufficientLimits } from '../../../../bin/prove/targets/deployed-target.ts';
import { readServed } from '../../../../bin/prove/targets/upstream-counter.ts';
import { catalog, policyWith } from '../../../support/catalog.ts';

describe('a deployed team under attack', () => {
  const roomy = { rateLimitRpm: null, maxConcurrent: 50 };
  it.each<[Record<string, unknown>, RegExp | undefined]>([
    [roomy, undefined],
    [{ ...roomy, maxConcurrent: 49 }, /may have 49 calls in flight; raise maxConcurrent, or lower --at-once/],
    [{ ...roomy, rateLimitRpm: 799 }, /has 799 requests a minute, not 800/],
    [{ ...roomy, rateLimitTpm: 10_000 }, /has 10000 tokens a minute, not \d+/],
    [{ ...roomy, requestsPerDay: 5_000 }, /has 5000 requests a day/],
    [{ ...roomy, allowedModels: ['whisper-large-v3'] }, /has no model that is served/],
  ])('must be limited by money only: %j', (fields, refused) => {
    const require = () => requireSufficientLimits({ policy: policyWith(fields), catalog }, 200, 50);
    if (refused === undefined) expect(require).not.toThrow();
    else expect(require).toThrow(refused);
  });

  it('is refused in one line when the upstream is not a fake Groq', async () => {
    await expect(readServed('nonsense')).rejects.toThrow('--upstream is "nonsense"; it must be a URL');
    await expect(readServed('http://127.0.0.1:9')).rejects.toThrow(
      'is not a fake Groq: it has no count at /_fake/served',
    );
  });
});
