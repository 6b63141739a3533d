import { parseArgs } from 'node:util';
import { renderMarkdownTable } from '../lambda/kernel/text-table.ts';
import { runAgreement } from './agreement/run.ts';

/*
 * npm run agree: a mixed run through several gateways, and what the fake upstream, the ledgers, the projection,
 * GET /openai/v1/usage and the metrics say of it, figure by figure. Exit 1 when any two differ.
 */

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    processes: { type: 'string', default: '2' },
    'at-once': { type: 'string', default: '40' },
  },
});
const requests = Number(values.requests);
const { sources, lines, floatUsd, seconds } = await runAgreement({
  requests,
  processes: Number(values.processes),
  concurrency: Number(values['at-once']),
  onProgress: (done, total) => {
    if (process.stderr.isTTY) process.stderr.write(`  ${done} of ${total}\u001b[K\r`);
  },
});
const names = sources.map(({ name }) => name);
console.log(
  renderMarkdownTable(
    ['figure', ...names, 'agree'],
    lines.map(({ figure, reported, agrees }) => [
      figure,
      ...reported.map((value) => value ?? ''),
      agrees ? 'yes' : 'NO',
    ]),
  ),
);
console.log(`\n${requests} requests in ${seconds.toFixed(0)} s; CostUsd of the metrics, as floats: ${floatUsd}`);
if (lines.some(({ agrees }) => !agrees)) process.exitCode = 1;
