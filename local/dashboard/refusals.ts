import type { UsageAnswer } from './api-types.ts';

/** How often one reason was told. */
export type RefusalCount = {
  readonly code: string;
  readonly today: number;
  readonly week: number;
  /** Who met it most; undefined where usage is not split by team. */
  readonly mostAffectedTeam: string | undefined;
};

/** Refusals by reason, the most frequent first, of the days from `from` on; undefined where they are not counted. */
export function countRefusals(
  { data, total }: UsageAnswer,
  from: string,
  today: string,
): readonly RefusalCount[] | undefined {
  if (total.refusals === undefined && data.every(({ refusals }) => refusals === undefined)) return undefined;
  const counts = new Map<string, { today: number; week: number; byTeam: Map<string, number> }>();
  for (const row of data.filter(({ day }) => day >= from)) {
    for (const [code, times] of Object.entries(row.refusals ?? {})) {
      const seen = counts.get(code) ?? { today: 0, week: 0, byTeam: new Map() };
      seen.week += times;
      if (row.day === today) seen.today += times;
      if (row.team !== undefined) seen.byTeam.set(row.team, (seen.byTeam.get(row.team) ?? 0) + times);
      counts.set(code, seen);
    }
  }
  return [...counts]
    .map(([code, { today: ofToday, week, byTeam }]) => ({
      code,
      today: ofToday,
      week,
      mostAffectedTeam: findMostFrequent(byTeam),
    }))
    .filter(({ week }) => week > 0)
    .sort((a, b) => b.week - a.week || (a.code < b.code ? -1 : 1));
}

function findMostFrequent(byTeam: ReadonlyMap<string, number>): string | undefined {
  return [...byTeam].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0]?.[0];
}
