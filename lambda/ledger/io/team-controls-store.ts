import type { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';
import { teamPartitionKey } from './ledger-item.ts';
import { ORGANIZATION_PARTITION } from './organization-item.ts';
import {
  type ControlsOfTeam,
  parseTeamControls,
  type TeamControls,
  teamControlsItemKey,
  type VersionedTeamControls,
} from './team-controls-item.ts';
import { controlsWrite } from './writes/team-controls-writes.ts';

/** Attempts at a change that other writers of the same item keep invalidating. */
const MAX_ATTEMPTS = 12;

/** The pauses and revocations of teams in DynamoDB. */
export class TeamControlsStore {
  readonly #table: DynamoTable;

  constructor(table: DynamoTable) {
    this.#table = table;
  }

  /** Reads the controls that apply to a team. */
  async read(team: string): Promise<ControlsOfTeam> {
    const own = await this.#read(teamPartitionKey(team));
    const all = await this.#read(ORGANIZATION_PARTITION);
    // The check after a deployment must find its own team stopped by its budget alone.
    return { own, all: team === CANARY_TEAM ? { ...all, pause: undefined } : all };
  }

  /** Changes the controls of a team, or of all teams without one, by a pure function, with an optimistic lock. */
  async update(team: string | undefined, change: (controls: TeamControls) => TeamControls): Promise<void> {
    const partition = team === undefined ? ORGANIZATION_PARTITION : teamPartitionKey(team);
    const purpose = `write the controls of ${partition}`;
    await this.#table.retry(purpose, MAX_ATTEMPTS, async () => {
      const { version, ...before } = await this.#read(partition);
      const write = controlsWrite(change(before), version);
      const outcome = await this.#table.update(purpose, teamControlsItemKey(partition), write);
      return 'written' in outcome ? true : undefined;
    });
  }

  async #read(partition: string): Promise<VersionedTeamControls> {
    return parseTeamControls(
      await this.#table.get(`read the controls of ${partition}`, teamControlsItemKey(partition)),
    );
  }
}
