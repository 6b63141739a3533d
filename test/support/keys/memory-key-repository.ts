import type { Identity } from '../../../lambda/access/identity.ts';
import type { KeyRecord } from '../../../lambda/access/key-record.ts';
import type { AuditEntry } from '../../../lambda/kernel/audit-log.ts';
import { parseTime } from '../../../lambda/kernel/iso-time.ts';
import { parseEnvironment } from '../../../lambda/policy/environment.ts';
import type { Caller, KeyPorts, KeyRepository } from '../../../lambda/team-keys/key-ports.ts';
import type { KeyRules } from '../../../lambda/team-keys/key-request.ts';
import { catalog } from '../catalog.ts';
import { START_MS } from '../ledger/ledger-fixtures.ts';

const TEAM = { allowedModels: ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'], monthlyBudgetUsd: 100, rateLimitRpm: 60 };

/** Returns the rules for new keys of two teams. */
export function keyRules(nowEpochMs = START_MS): KeyRules {
  const { teams } = parseEnvironment('test', { teams: { ant: { ...TEAM, rateLimitTpm: 1_000 }, bee: TEAM } }, catalog);
  return { teams, environmentName: 'test', nowEpochMs, parseTime };
}

/** An in-memory key repository. */
export class MemoryKeyRepository implements KeyRepository {
  readonly records = new Map<string, KeyRecord>();
  #minted = 0;

  async read(keyId: string): Promise<KeyRecord | undefined> {
    return this.records.get(keyId);
  }

  async list(team: string | undefined): Promise<readonly KeyRecord[]> {
    return [...this.records.values()].filter((record) => record.team === team);
  }

  mint(): { key: string; keyId: string } {
    const keyId = `new${String(++this.#minted).padStart(9, '0')}`;
    return { key: `secret of ${keyId}`, keyId };
  }

  async put(_key: string, record: KeyRecord): Promise<void> {
    this.records.set(record.keyId, record);
  }

  async revoke(keyId: string): Promise<void> {
    const record = this.records.get(keyId);
    if (record !== undefined) this.records.set(keyId, { revokedAtEpochMs: START_MS, ...record });
  }

  async replace(keyId: string, rotatedTo: string, retireAfterEpochMs: number): Promise<boolean> {
    const record = this.records.get(keyId);
    if (record === undefined || record.rotatedTo !== undefined || record.revokedAtEpochMs !== undefined) return false;
    this.records.set(keyId, { ...record, rotatedTo, retireAfterEpochMs });
    return true;
  }
}

/** Creates in-memory ports of key operations, and collects their writes. */
export function createMemoryKeyPorts() {
  const repository = new MemoryKeyRepository();
  const entries: AuditEntry[] = [];
  const revoked: string[] = [];
  let ids = 0;
  const ports: KeyPorts = {
    repository,
    audit: { append: async (entry) => void entries.push(entry) },
    ledger: { revokeKey: async (team, keyId) => void revoked.push(`${team}/${keyId}`) },
    rules: keyRules(),
    newId: () => `id${++ids}`,
  };
  /** Stores a key, and returns a caller with it. */
  const addCaller = (keyId: string, identity: Omit<Identity, 'keyId'>, more: Partial<KeyRecord> = {}): Caller => {
    const name = `${identity.team ?? 'organization'}-test-${keyId}`;
    repository.records.set(keyId, { ...identity, keyId, name, createdAtEpochMs: START_MS, ...more });
    return { identity: { ...identity, keyId }, actor: keyId, source: '192.0.2.1', requestId: 'r1', isKey: true };
  };
  return { ports, repository, entries, revoked, addCaller };
}
