import type { UsageAnswer } from './api-types.ts';

/** Number of refusals for one reason. */
export type RefusalCount = {
  readonly code: string;
  readonly today: number;
  readonly week: number;
  /** The team with the most; undefined if usage is not grouped by team. */
  readonly mostAffectedTeam: string | undefined;
};

/** Counts refusals by reason from a day on, most frequent first; undefined if the gateway does not count them. */
export function countRefusals(
  { data, total }: UsageAnswer,
  from: string,
  today: string,
): readonly RefusalCount[] | undefined {
  if (total.refusals === undefined && data.every(({ refusals }) => refusals === undefined)) return undefined;
  const counts = new Map<string, { today: number; week: number; byTeam: Map<string, number> }>();
  for (const row of data.filter(({ day }) => day >= from)) {
    for (const [code, times] of Object.entries(row.refusals ?? {})) {
      const count = counts.get(code) ?? { today: 0, week: 0, byTeam: new Map() };
      count.week += times;
      if (row.day === today) count.today += times;
      if (row.team !== undefined) count.byTeam.set(row.team, (count.byTeam.get(row.team) ?? 0) + times);
      counts.set(code, count);
    }
  }
  return [...counts]
    .map(([code, { byTeam, ...totals }]) => ({ code, ...totals, mostAffectedTeam: findMostFrequent(byTeam) }))
    .filter(({ week }) => week > 0)
    .sort((a, b) => b.week - a.week || (a.code < b.code ? -1 : 1));
}

function findMostFrequent(byTeam: ReadonlyMap<string, number>): string | undefined {
  return [...byTeam].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0]?.[0];
}
