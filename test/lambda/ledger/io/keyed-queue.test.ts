import { expect, it } from 'vitest';
import { KeyedQueue } from '../../../../lambda/ledger/io/keyed-queue.ts';

it('runs tasks of one name in order, also after a failure, and tasks of other names at once', async () => {
  const queue = new KeyedQueue();
  const log: string[] = [];
  const task =
    (name: string, fails = false) =>
    async () => {
      log.push(`${name} starts`);
      await Promise.resolve();
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
    };
  const results = await Promise.allSettled([
    queue.run('a', task('a1', true)),
    queue.run('a', task('a2')),
    queue.run('b', task('b1')),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(log.filter((line) => line.startsWith('a'))).toEqual(['a1 starts', 'a1 ends', 'a2 starts', 'a2 ends']);
  expect(log.indexOf('b1 starts')).toBeLessThan(log.indexOf('a2 starts'));
});
