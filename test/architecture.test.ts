import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_DIR } from '../local/settings.ts';

const importsOf = (layer: string) =>
  globSync(`${layer}/**/*.ts`, { cwd: PROJECT_DIR }).flatMap((file) => {
    const text = readFileSync(join(PROJECT_DIR, file), 'utf8');
    const targets = [...text.matchAll(/(?<![':"{.])\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
      (match) => match[1] ?? '',
    );
    return targets.map((target) => ({ file, target: target.startsWith('.') ? join(file, '..', target) : target }));
  });

/** What each layer may import, besides itself. */
const ALLOWED: Readonly<Record<string, RegExp>> = {
  'lambda/core': /^(lambda\/core\/|valibot$|fastest-levenshtein$)/,
  'lambda/adapters': /^(lambda\/(adapters|core)\/|lambda\/contract\.ts$|node:|@aws-sdk\/|groq-sdk$)/,
  'lambda/handlers': /^(lambda\/|node:|@aws-sdk\/|@middy\/core|aws-lambda$)/,
};

describe('dependencies point inwards', () => {
  it.each(Object.entries(ALLOWED))('from %s', (layer, allowed) => {
    const imports = importsOf(layer);
    expect(imports.length).toBeGreaterThan(5);
    expect(imports.filter(({ target }) => !allowed.test(target))).toEqual([]);
  });
});
