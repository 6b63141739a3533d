import { expect, it } from 'vitest';
import { compareSources } from '../../../bench/agreement/figures.ts';
import { runAgreement } from '../../../bench/agreement/run.ts';

/** Few enough for a fast suite; `npm run agree` sends ten thousand. */
const REQUESTS = Number(process.env.AGREEMENT_REQUESTS ?? 600);

it('detects sources that differ, and a figure that only one source has', () => {
  const [first, second] = [
    { name: 'one', figures: { cost: '1', alone: '2' } },
    { name: 'two', figures: { cost: '1.0' } },
  ];
  expect(compareSources([first, second]).map(({ figure, agrees }) => [figure, agrees])).toEqual([
    ['alone', false],
    ['cost', false],
  ]);
  expect(compareSources([first, first]).every(({ agrees }) => agrees)).toBe(true);
});

it('has the same figures of a mixed run in projection, usage, metrics, ledgers and the upstream', async () => {
  const { sources, lines, floatUsd } = await runAgreement({
    requests: REQUESTS,
    processes: 2,
    concurrency: 20,
    onProgress: () => {},
  });
  expect(lines.filter(({ agrees }) => !agrees)).toEqual([]);
  const findFigure = (source: string, figure: string) =>
    sources.find(({ name }) => name === source)?.figures[figure] ?? '';
  // Every request is counted exactly once.
  const parts = ['requests accepted', 'voided', 'refused'].map((figure) => Number(findFigure('projection', figure)));
  expect(parts.reduce((sum, part) => sum + part, 0)).toBe(REQUESTS);
  expect(Math.min(...parts)).toBeGreaterThan(10);
  const reasons = lines.map(({ figure }) => figure).filter((figure) => figure.startsWith('refused: '));
  expect(reasons.length).toBeGreaterThan(4);
  // Metrics have dollars as floats, for graphs and alarms.
  const exactUsd = Number(findFigure('ledgers', 'cost known')) + Number(findFigure('ledgers', 'cost assumed'));
  expect(Math.abs(floatUsd - exactUsd)).toBeLessThan(1e-9);
}, 240_000);
