import type {
  GroqKeyCreation,
  GroqKeyRecord,
  GroqKeyRecordPatch,
  GroqKeyRepository,
} from '../../../lambda/groq-keys/groq-key-record.ts';

/** An in-memory repository of Groq key records; calls `write` before each write, which may throw. */
export class MemoryGroqKeyRepository implements GroqKeyRepository {
  readonly #records = new Map<string, Record<string, unknown>>();
  readonly #making = new Map<string, GroqKeyCreation>();
  readonly #write: () => void;

  constructor(write: () => void = () => {}) {
    this.#write = write;
  }

  async read(team: string, keyId: string): Promise<GroqKeyRecord | undefined> {
    const found = this.#records.get(`${team} ${keyId}`);
    return found === undefined ? undefined : ({ probes: 0, probesRefused: 0, ...found, team, keyId } as GroqKeyRecord);
  }

  async list(team: string): Promise<readonly GroqKeyRecord[]> {
    const ids = [...this.#records.keys()].filter((name) => name.startsWith(`${team} `)).sort();
    const records = await Promise.all(ids.map(async (name) => await this.read(team, name.slice(team.length + 1))));
    return records.filter((record) => record !== undefined);
  }

  async update(team: string, keyId: string, facts: GroqKeyRecordPatch): Promise<void> {
    const record = this.#open(team, keyId);
    for (const [name, value] of Object.entries(facts)) {
      if (value === null) delete record[name];
      else if (value !== undefined) record[name] = value;
    }
  }

  async setIfAbsent(team: string, keyId: string, facts: GroqKeyRecordPatch): Promise<void> {
    const record = this.#open(team, keyId);
    for (const [name, value] of Object.entries(facts)) record[name] ??= value;
  }

  async countProbe(team: string, keyId: string, isAccepted: boolean, atEpochMs: number): Promise<void> {
    const record = this.#open(team, keyId);
    record.probes = Number(record.probes ?? 0) + 1;
    record.probesRefused = Number(record.probesRefused ?? 0) + (isAccepted ? 0 : 1);
    record.probedAtEpochMs = atEpochMs;
  }

  async beginKeyCreation(
    team: string,
    token: string,
    name: string,
    atEpochMs: number,
  ): Promise<GroqKeyCreation & { readonly isRetry: boolean }> {
    const found = this.#making.get(`${team} ${token}`);
    if (found !== undefined) return { ...found, isRetry: true };
    this.#write();
    this.#making.set(`${team} ${token}`, { name, atEpochMs });
    return { name, atEpochMs, isRetry: false };
  }

  #open(team: string, keyId: string): Record<string, unknown> {
    this.#write();
    const name = `${team} ${keyId}`;
    const record = this.#records.get(name) ?? {};
    this.#records.set(name, record);
    return record;
  }
}
