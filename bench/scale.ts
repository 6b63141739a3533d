import { renderMarkdownTable } from '../lambda/kernel/text-table.ts';
import { type SynthesisResult, synthesizeTeams } from './team-scale.ts';

/*
 * npm run bench:scale: what an environment with many teams comes to: time to synthesize, size of the templates, and how
 * near each stack is to CloudFormation's limits.
 */

const rows: SynthesisResult[] = [];
for (const teams of [4, 50, 150, 300]) rows.push(await synthesizeTeams(teams));
const kb = (bytes: number) => `${Math.round(bytes / 1000)} KB`;
console.log(
  renderMarkdownTable(
    [
      'teams',
      'synth',
      'stacks',
      'parent: resources',
      'a team: resources',
      'parent template',
      'all templates',
      'published properties',
    ],
    rows.map(({ teams, synthMs, stacks, parent, team, totalBytes, propertiesBytes }) => [
      teams,
      `${(synthMs / 1000).toFixed(1)} s`,
      stacks,
      parent.resources,
      team.resources,
      kb(parent.bytes),
      kb(totalBytes),
      kb(propertiesBytes),
    ]),
  ),
);
