import { expect, it } from 'vitest';
import { PARTITION_KEY, SORT_KEY } from '../../../../lambda/contract.ts';
import { MalformedRecordError } from '../../../../lambda/ledger/io/reservation-end-item.ts';
import { parseRefusalBatch } from '../../../../lambda/usage/io/refusal-item.ts';

const buildStreamRecord = (reason: string, count: string) => ({
  NewImage: {
    [PARTITION_KEY]: { S: 'TEAM#a' },
    [SORT_KEY]: { S: 'REFUSALS#b' },
    rows: {
      L: [
        {
          M: {
            day: { S: '2026-11-24' },
            key: { S: 'k' },
            model: { S: '' },
            refusals: { M: { [reason]: { N: count } } },
          },
        },
      ],
    },
  },
});

it('parses a batch, and rejects one with an invalid reason or count', () => {
  expect(parseRefusalBatch(buildStreamRecord('team_paused', '2'))?.rows).toMatchObject([
    { refusals: { team_paused: 2 } },
  ]);
  for (const [reason, count] of [
    ['Team paused', '1'],
    ['', '1'],
    ['team_paused', '1.5'],
    ['team_paused', 'many'],
  ] as const)
    expect(() => parseRefusalBatch(buildStreamRecord(reason, count))).toThrow(MalformedRecordError);
});
