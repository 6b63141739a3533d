import { type ApiResponse, type KeyTestRig, MODELS } from './key-rig.ts';
import { type KeyStep, NEWEST, type NewKeyRequest } from './key-steps.ts';

/** The model's state of a key, from responses alone: its rights as created, and whether it was revoked. */
type KnownKey = {
  readonly id: string;
  readonly secret: string;
  readonly role: NewKeyRequest['role'];
  readonly team: string | undefined;
  readonly models: readonly string[] | undefined;
  readonly endpoints: readonly string[] | undefined;
  readonly usd: number | undefined;
  readonly endsAtMs: number;
  isRevoked: boolean;
};

const KEYS = '/openai/v1/api-keys';
const TEAM_MODELS: Readonly<Record<string, readonly string[]>> = { ant: MODELS, bee: [MODELS[0]] };
/** The roles that each role may create, written independently of the handlers. */
const CREATABLE_ROLES: Readonly<Record<NewKeyRequest['role'], readonly string[]>> = {
  admin: ['admin', 'lead', 'member', 'viewer'],
  lead: ['member', 'viewer'],
  member: [],
  viewer: [],
};

/** Runs a sequence of steps on the real handlers and checks each response against a small independent access model. */
export class KeyModelRunner {
  readonly #rig: KeyTestRig;
  readonly #keys: KnownKey[] = [];
  readonly #idempotentResponses = new Map<string, { readonly body: string; readonly text: string }>();
  /** The number of granted requests, so that a suite can check that its sequences exercise something. */
  granted = 0;

  constructor(rig: KeyTestRig) {
    this.#rig = rig;
  }

  /** Creates the keys that every sequence starts with: an admin; a lead, a member and a viewer of each team; narrowed leads. */
  async begin(): Promise<void> {
    const put = async (role: NewKeyRequest['role'], team?: 'ant' | 'bee', narrow: Partial<KnownKey> = {}) => {
      const { models, endpoints, usd } = narrow;
      const scope = {
        ...(models && { models: [...models] }),
        ...(endpoints && { endpoints: ['keys' as const] }),
        ...(usd && { usd }),
      };
      const { key, keyId } = await this.#rig.key(role, team, { scope });
      const open = { models: undefined, endpoints: undefined, usd: undefined, endsAtMs: Number.POSITIVE_INFINITY };
      this.#keys.push({ ...open, id: keyId, secret: key, role, team, isRevoked: false, ...narrow });
    };
    await put('admin');
    for (const team of ['ant', 'bee'] as const)
      for (const role of ['lead', 'member', 'viewer'] as const) await put(role, team);
    await put('lead', 'ant', { models: [MODELS[0]] });
    await put('lead', 'ant', { endpoints: ['keys'] });
    await put('lead', 'ant', { usd: 1 });
  }

  async step(step: KeyStep): Promise<void> {
    if (step.kind === 'wait') {
      this.#rig.nowEpochMs += step.s * 1_000;
      return;
    }
    const by = this.#at(step.by);
    // A key may revoke itself, so this is read before the request.
    const wasActive = this.#isActive(by);
    const answer = await this.#answer(step, by);
    if (answer.status >= 500) throw new Error(`a fault: ${answer.text}`);
    if (answer.status < 300) {
      this.granted++;
      if (!wasActive) throw new Error(`key ${by.id} is not valid, and was answered ${answer.status}: ${answer.text}`);
    }
  }

  /** @throws if the log contains a key. */
  checkLog(): void {
    const logged = this.#rig.logged.join('\n');
    for (const { secret } of this.#keys)
      if (logged.includes(secret.slice(-43))) throw new Error('the log has a secret');
  }

  #at(number: number): KnownKey {
    const found = number === NEWEST ? this.#keys.at(-1) : this.#keys[number % this.#keys.length];
    if (found === undefined) throw new Error('no key has been created');
    return found;
  }

  #isActive({ isRevoked, endsAtMs }: KnownKey): boolean {
    return !isRevoked && this.#rig.nowEpochMs < endsAtMs;
  }

  async #answer(step: Exclude<KeyStep, { kind: 'wait' }>, by: KnownKey): Promise<ApiResponse> {
    switch (step.kind) {
      case 'create':
        return await this.#create(by, step.request, step.idempotencyKey);
      case 'rotate':
        return await this.#rotate(by, this.#at(step.key), step.overlapHours);
      case 'revoke':
        return await this.#revoke(by, this.#at(step.key));
      case 'show':
        return this.#checkVisibility(by, await this.#rig.send(by.secret, 'GET', `${KEYS}/${this.#at(step.key).id}`));
      case 'list':
        return this.#checkVisibility(by, await this.#rig.send(by.secret, 'GET', KEYS));
      case 'read the audit':
        return this.#checkVisibility(by, await this.#rig.send(by.secret, 'GET', '/openai/v1/audit'));
      case 'call':
        return await this.#call(by, step.model);
    }
  }

  async #create(by: KnownKey, request: NewKeyRequest, idempotencyKey: string | undefined): Promise<ApiResponse> {
    const { role, team, models, endpoints, usd, lastsS } = request;
    const expires_at = lastsS === undefined ? undefined : this.#rig.nowEpochMs / 1_000 + lastsS;
    const name = role === 'admin' ? 'organization-test-x' : `${team}-test-x`;
    const body = JSON.stringify({ name, role, allowed_models: models, endpoints, monthly_budget_usd: usd, expires_at });
    const answer = await this.#rig.send(
      by.secret,
      'POST',
      KEYS,
      body,
      idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
    );
    if (answer.status !== 201) return this.#checkVisibility(by, answer);
    const earlier =
      idempotencyKey === undefined ? undefined : this.#idempotentResponses.get(`${by.id} ${idempotencyKey}`);
    if (earlier !== undefined) {
      if (earlier.body !== body || earlier.text !== answer.text)
        throw new Error('one Idempotency-Key got two responses');
      return answer;
    }
    if (idempotencyKey !== undefined)
      this.#idempotentResponses.set(`${by.id} ${idempotencyKey}`, { body, text: answer.text });
    const endsAtMs = expires_at === undefined ? Number.POSITIVE_INFINITY : Math.floor(expires_at * 1_000);
    const made = { role, team: role === 'admin' ? undefined : team, models, endpoints, usd, endsAtMs };
    this.#checkRights(by, made);
    this.#add(answer, made);
    return answer;
  }

  async #rotate(by: KnownKey, old: KnownKey, overlap_hours: number): Promise<ApiResponse> {
    const wasActive = this.#isActive(old);
    const answer = await this.#rig.send(by.secret, 'POST', `${KEYS}/${old.id}/rotate`, { overlap_hours });
    if (answer.status !== 201) return this.#checkVisibility(by, answer);
    if (!wasActive) throw new Error(`key ${old.id} was not valid, and a rotation restored it`);
    if (by.id !== old.id) this.#checkRights(by, old);
    this.#add(answer, old);
    if (overlap_hours === 0) old.isRevoked = true;
    return answer;
  }

  async #revoke(by: KnownKey, key: KnownKey): Promise<ApiResponse> {
    const isAllowed = this.#maySee(by, key) && by.role !== 'viewer';
    const answer = await this.#rig.send(by.secret, 'DELETE', `${KEYS}/${key.id}`);
    if (answer.status !== 200) return this.#checkVisibility(by, answer);
    if (!isAllowed) throw new Error(`key ${by.id} revoked key ${key.id}, which it may not`);
    key.isRevoked = true;
    return this.#checkVisibility(by, answer);
  }

  async #call(by: KnownKey, model: string): Promise<ApiResponse> {
    const { calls } = this.#rig;
    const answer = await this.#rig.chat(by.secret, model);
    const isOpen = by.endpoints?.includes('chat') ?? true;
    const has = (by.models ?? MODELS).includes(model) && (TEAM_MODELS[by.team ?? ''] ?? []).includes(model);
    const isAllowed = this.#isActive(by) && isOpen && has && ['lead', 'member'].includes(by.role);
    if (!isAllowed && this.#rig.calls !== calls) throw new Error(`key ${by.id} reached ${model}, which it may not`);
    if (isAllowed && answer.status !== 200)
      throw new Error(`key ${by.id} may call ${model}, and was answered ${answer.text}`);
    return answer;
  }

  /** @throws if the caller obtained a key with rights that it may not have. */
  #checkRights(
    by: KnownKey,
    made: Pick<KnownKey, 'role' | 'team' | 'models' | 'endpoints' | 'usd' | 'endsAtMs'>,
  ): void {
    const within = (own: readonly string[] | undefined, wanted: readonly string[] | undefined) =>
      own === undefined || (wanted?.every((name) => own.includes(name)) ?? false);
    const spends = ['lead', 'member'].includes(made.role) && (made.endpoints?.includes('chat') ?? true);
    const rules: readonly (readonly [boolean, string])[] = [
      [CREATABLE_ROLES[by.role].includes(made.role), 'with a role it may not grant'],
      [by.role === 'admin' || by.team === made.team, 'of another team'],
      [within(TEAM_MODELS[made.team ?? ''], made.models ?? []), 'with models that its team may not use'],
      [within(by.models, made.models), 'with more models'],
      [within(by.endpoints, made.endpoints), 'with more endpoints'],
      [by.usd === undefined || !spends, 'with a budget besides its own'],
      [(made.usd ?? 0) <= 100, 'with more dollars than its team'],
      [made.endsAtMs <= by.endsAtMs, 'that outlives it'],
      [by.endpoints?.includes('keys') ?? true, 'through an endpoint it may not use'],
    ];
    for (const [holds, what] of rules) if (!holds) throw new Error(`key ${by.id} obtained a key ${what}`);
  }

  #add(
    answer: ApiResponse,
    rights: Pick<KnownKey, 'role' | 'team' | 'models' | 'endpoints' | 'usd' | 'endsAtMs'>,
  ): void {
    const { id, key, role, team } = JSON.parse(answer.text);
    if (this.#keys.some(({ secret }) => secret === key || answer.text.includes(secret)))
      throw new Error('a secret was shown twice');
    if (role !== rights.role || (team ?? undefined) !== rights.team)
      throw new Error('the key differs from the request');
    const { models, endpoints, usd, endsAtMs } = rights;
    this.#keys.push({
      id,
      secret: key,
      role,
      team: team ?? undefined,
      models,
      endpoints,
      usd,
      endsAtMs,
      isRevoked: false,
    });
  }

  #maySee(by: KnownKey, key: KnownKey): boolean {
    if (by.role === 'admin') return true;
    return by.role === 'member' ? by.id === key.id : key.team !== undefined && by.team === key.team;
  }

  /** @throws if a response contains a secret, or a key or audit entry that its reader may not see. */
  #checkVisibility(by: KnownKey, answer: ApiResponse): ApiResponse {
    for (const key of this.#keys) {
      if (answer.text.includes(key.secret.slice(-43))) throw new Error(`the secret of key ${key.id} was shown again`);
      // A refusal repeats the requested id.
      if (answer.status < 300 && !this.#maySee(by, key) && answer.text.includes(`"id":"${key.id}"`))
        throw new Error(`key ${by.id} saw key ${key.id}`);
    }
    if (answer.status < 300 && by.role !== 'admin' && answer.text.includes('"audit_entry"')) {
      const teams = JSON.parse(answer.text).data.map(({ team }: { team: unknown }) => team);
      if (by.role !== 'lead' || teams.some((team: unknown) => team !== by.team))
        throw new Error(`key ${by.id} read audit entries of other teams`);
    }
    return answer;
  }
}
