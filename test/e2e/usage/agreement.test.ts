import { expect, it } from 'vitest';
import { compareSources } from '../../../bench/agreement/figures.ts';
import { runAgreement } from '../../../bench/agreement/run.ts';

/** As many as keep the suite quick; `npm run agree` sends ten thousand. */
const REQUESTS = Number(process.env.AGREEMENT_REQUESTS ?? 600);

it('says so when sources differ, or when nobody confirms what one says', () => {
  const [one, two] = [
    { name: 'one', figures: { cost: '1', alone: '2' } },
    { name: 'two', figures: { cost: '1.0' } },
  ];
  expect(compareSources([one, two]).map(({ figure, agrees }) => [figure, agrees])).toEqual([
    ['alone', false],
    ['cost', false],
  ]);
  expect(compareSources([one, one]).every(({ agrees }) => agrees)).toBe(true);
});

it('tells the same of a mixed run everywhere: projection, usage, metrics, ledgers and what the upstream counted', async () => {
  const { sources, lines, floatUsd } = await runAgreement({
    requests: REQUESTS,
    processes: 2,
    concurrency: 20,
    onProgress: () => {},
  });
  expect(lines.filter(({ agrees }) => !agrees)).toEqual([]);
  const figureOf = (source: string, figure: string) =>
    sources.find(({ name }) => name === source)?.figures[figure] ?? '';
  // Nothing is told of twice, and nothing left out.
  const parts = ['requests accepted', 'voided', 'refused'].map((figure) => Number(figureOf('projection', figure)));
  expect(parts.reduce((sum, part) => sum + part, 0)).toBe(REQUESTS);
  expect(Math.min(...parts)).toBeGreaterThan(10);
  const reasons = lines.map(({ figure }) => figure).filter((figure) => figure.startsWith('refused: '));
  expect(reasons.length).toBeGreaterThan(4);
  // The metrics' dollars are floats: for graphs and alarms.
  const exactUsd = Number(figureOf('ledgers', 'cost known')) + Number(figureOf('ledgers', 'cost assumed'));
  expect(Math.abs(floatUsd - exactUsd)).toBeLessThan(1e-9);
}, 240_000);
