import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_DIR } from '../local/settings.ts';

/** This list itself, and what quotes old names on purpose. */
const EXEMPT = ['test/words.test.ts', 'package-lock.json', 'CHANGELOG.md'];

/** Everything that people read, but for data, pictures and the lock file. */
const FILES = globSync('{.ci,.github,bin,bench,config,docs,lambda,lib,local,test}/**/*.{ts,md,json,css,html,py,yml}', {
  cwd: PROJECT_DIR,
})
  .concat(globSync('*.{md,json}', { cwd: PROJECT_DIR }))
  .filter((file) => !EXEMPT.includes(file) && !file.startsWith('docs/prove/'));

/** Words and phrases that are not used here, each with what stands for it. */
const FORBIDDEN: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [
    /\b(tells?|telling|told|untold|retold)\b|(?<=[a-z])(Tells?|Told|Untold)(?![a-z])|\b(tells?|told|untold)(?=[A-Z])/,
    'notify, deliver, report, record, say',
  ],
  [/\b\w*([Ss]helf|[Hh]erald)\w*/, 'repository, store, notifier'],
  [/\b(teller|drawer|purse|volley|laborator(y|ies))\b/i, 'reporter, renderer, budget handle, burst, test rig'],
  [/\bfire[sd]?\b|\bfiring\b/, 'send'],
  [/\bsights?\b|[a-z]Sights?\b|\bSights?[A-Z]?/, 'snapshot'],
  [/\bstandings\b|\bstandOf\b/, 'budget statuses, rotation state'],
  [/\b(held|awaited)PicoUsd\b/, 'reservedPicoUsd, reclaimablePicoUsd'],
  [/\b(class|type|interface) Once\b/, 'IdempotentRequest'],
  [
    /none of the gateway's|is no option of|keys what\?|with a word on/,
    'unknown endpoint, unknown option, missing subcommand',
  ],
];

/** What is stored under an older name and must be found again. */
const STORED = /toldAt(Epoch)?Ms|told\.txt/g;

/** Functions that keep a name in -Of, since no noun or verb says it better. */
const OF_NAMES: readonly string[] = [];

const lines = FILES.flatMap((file) =>
  readFileSync(join(PROJECT_DIR, file), 'utf8')
    .split('\n')
    .map((text, index) => ({ place: `${file}:${index + 1}`, text: text.replace(STORED, '') })),
);

describe('words', () => {
  it.each(FORBIDDEN)('%s: say %s', (pattern) => {
    expect(lines.length).toBeGreaterThan(10_000);
    expect(lines.filter(({ text }) => pattern.test(text)).map(({ place, text }) => `${place} ${text.trim()}`)).toEqual(
      [],
    );
  });

  it('open no docstring with What, How or Whether: it says what the thing is or does', () => {
    const opening = /\/\*\*\s*(?:\*\s*)?(?:What|How|Whether)\b.*/g;
    const found = FILES.filter((file) => file.endsWith('.ts')).flatMap((file) =>
      [...readFileSync(join(PROJECT_DIR, file), 'utf8').matchAll(opening)].map(([text]) => `${file} ${text}`),
    );
    expect(found).toEqual([]);
  });

  it('name functions by a noun or a verb, not by …Of', () => {
    const found = lines.flatMap(({ place, text }) =>
      place.includes('.ts:') ? [...text.matchAll(/(?:function|const) (\w+Of)\b/g)].map(([, name = '']) => name) : [],
    );
    expect([...new Set(found)].sort()).toEqual([...OF_NAMES].sort());
  });
});
