import { expect, it } from 'vitest';
import { isPassableField } from '../../../lambda/pricing/passable-field.ts';

it.each([
  ['new_field', true],
  ['messages[].cache_control', true],
  ['tools[].function.new', true],
  ['Model', false],
  ['messages[].Content', false],
  ['documents', false],
  ['', false],
  ['a b', false],
  ['messages[]', false],
])('lets an operator admit %s: %s', (path, isPassable) => {
  expect(isPassableField(path)).toBe(isPassable);
});
