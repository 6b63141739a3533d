import type { GroqKeyTrace } from './call-trace.ts';
import type { Catalog } from './catalog.ts';
import type { TeamPolicy } from './environment.ts';
import type { KeyCanary } from './groq-key-choice.ts';
import type { GroqKeyUse } from './groq-key-use.ts';
import type { Identity } from './identity.ts';
import type { JsonObject } from './json-object.ts';
import type { LedgerState, LedgerView, ReserveRefusal, ReserveTerms, Settlement } from './ledger.ts';
import type { PicoUsd } from './money.ts';
import type { OrganizationLedger } from './organization-ledger.ts';
import type { Pauses } from './pause.ts';
import type { Day, Hour, Period } from './period.ts';
import type { RefusalBatch } from './refusal-tally.ts';
import type { Refusal } from './refusals.ts';
import type { LedgerEnd, UsageRow } from './usage.ts';

/** Which ledger: a team's, in a period. */
export type LedgerKey = { readonly team: string; readonly period: Period };

/** What new periods start with: a team's budget, and the cap of all teams together. */
export type Budgets = { readonly team: PicoUsd; readonly organization: PicoUsd };

/** A ledger as this process last saw it; others may have moved it since. */
export type SeenLedger = { readonly view: LedgerView; readonly seenAtEpochMs: number };

/** What a reserve came to; `view` is the ledger after it, or at the moment of the refusal. */
export type ReserveResult =
  | { readonly kind: 'reserved'; readonly view: LedgerView }
  | { readonly kind: 'refused'; readonly refused: ReserveRefusal; readonly view: LedgerView };

/**
 * The team ledgers. Every method is one conditional write when warm, and idempotent: repeating it changes nothing.
 * Each throws a LedgerError when the store cannot answer, and then nothing may be assumed.
 */
export interface Ledger {
  /** Holds money for a call, of the team's budget and of the organisation's cap. */
  reserve(key: LedgerKey, budgets: Budgets, terms: ReserveTerms): Promise<ReserveResult>;
  /** Ends a reservation made with these terms. */
  settle(key: LedgerKey, terms: ReserveTerms, settlement: Settlement): Promise<LedgerView>;
  /** What this process last saw, without asking. */
  lastSeen(key: LedgerKey): SeenLedger | undefined;
  /** The ledger as it stands, or undefined in a period without a call yet. */
  read(key: LedgerKey): Promise<LedgerState | undefined>;
  /** The ledger as it stood a moment ago: cheap, for a call that waits. */
  peek(key: LedgerKey): Promise<LedgerState | undefined>;
  /** The pauses that a period of this team will be opened with. */
  readPauses(team: string): Promise<Pauses>;
  /** The organisation's ledger as it stands, or undefined in a period without a call yet. */
  readOrganization(period: Period): Promise<OrganizationLedger | undefined>;
}

/** What a gateway must know to judge a request. */
export interface PolicySource {
  /** The teams' policies and the catalog, at most 60 s old. */
  policies(): Promise<{ readonly teams: ReadonlyMap<string, TeamPolicy>; readonly catalog: Catalog }>;
}

/** Where key identities are kept. */
export interface KeyStore {
  /** The identity of a presented key, or undefined for one that is unknown, revoked or expired. */
  identify(presentedKey: string): Promise<Identity | undefined>;
}

/** What keys are called. */
export interface KeyNames {
  /** The names of every key that a team has or had, by their ids. */
  namesOf(team: string): Promise<ReadonlyMap<string, string>>;
}

/** What calls came to, by day, key and model: seconds behind the ledger. */
export interface UsageReader {
  /** A team's rows of these days, both included. */
  rowsOf(team: string, from: Day, to: Day): Promise<readonly UsageRow[]>;
}

/** Where what the ledger's stream tells is counted, once each; tells how many had not been counted before. */
export interface UsageCounter {
  count(ends: readonly LedgerEnd[]): Promise<number>;
  countRefusals(batches: readonly RefusalBatch[]): Promise<number>;
}

/** What became of calls by the Groq key they were sent with: seconds behind the ledger. */
export interface GroqKeyUseReader {
  /** A team's rows of these hours, both included. */
  useOf(team: string, from: Hour, to: Hour): Promise<readonly GroqKeyUse[]>;
}

/** Where refusals are written down; a batch that is written again is the same one. */
export interface RefusalStore {
  write(batch: RefusalBatch): Promise<void>;
}

/** Upstream's answer to a call. */
export type UpstreamAnswer =
  /** Groq said no, or never saw the call: nothing is billed. */
  | { readonly kind: 'rejected'; readonly refusal: Refusal }
  /** The call was sent, and nobody knows what came of it. */
  | { readonly kind: 'lost'; readonly refusal: Refusal }
  | { readonly kind: 'whole'; readonly body: string; readonly headers: UpstreamHeaders }
  /** Whole server-sent events, raw; iteration throws when the stream is cut. */
  | { readonly kind: 'stream'; readonly events: AsyncIterable<Uint8Array>; readonly headers: UpstreamHeaders };

/** The same, and with which Groq keys it was asked for; absent where none was sent. */
export type TracedAnswer = UpstreamAnswer & { readonly groqKeys?: GroqKeyTrace };

/** The headers of an upstream answer that reach the client. */
export type UpstreamHeaders = Readonly<Record<string, string>>;

/** The service that answers completions. */
export interface Upstream {
  /** Makes a call with the team's own key; ends by `deadlineEpochMs`, and never throws for what upstream does. */
  chat(call: {
    readonly team: string;
    readonly body: JsonObject;
    readonly deadlineEpochMs: number;
    /** How the team's next Groq key is begun with. */
    readonly canary: KeyCanary;
  }): Promise<TracedAnswer>;
}

/** Groq's limits of the organisation whose level each answer tells: requests a day, tokens a minute; of one model. */
export type GroqLimit = 'requests' | 'tokens';

/** A limit as Groq tells it. `perWindow` is above 0, and `remaining` from 0 to `perWindow`. */
export type SeenLimit = {
  readonly perWindow: number;
  readonly remaining: number;
  /** Milliseconds until all of it is free again; refilled evenly. */
  readonly fullInMs?: number;
};

/** What one answer of Groq's tells of the organisation's limits. */
export type LimitSighting = { readonly [limit in GroqLimit]?: SeenLimit } & {
  /** A 429: when to come back, and the limit it names, where that is one whose level is told. */
  readonly refused?: { readonly retryAfterMs: number; readonly by: GroqLimit | undefined };
  /** Whether Groq took the call. */
  readonly isServed?: boolean;
};

/** Who is told of Groq's limits. */
export interface LimitWatch {
  note(model: string, sighting: LimitSighting, nowEpochMs: number): void;
}

/** Time, as an argument. */
export interface Clock {
  nowEpochMs(): number;
  /** Milliseconds with fractions since some fixed moment, for durations. */
  monotonicMs(): number;
  sleep(ms: number): Promise<void>;
  /** A number from 0 to 1, for jitter. */
  random(): number;
}

/** What a use-case reports to operators; never a prompt, a completion or a key. */
export type Log = (event: string, facts: { readonly [fact: string]: string | number | boolean }) => void;

/** Where a streamed answer goes. Writes never fail: a client that has gone is not the caller's concern. */
export interface ByteSink {
  write(bytes: Uint8Array): void;
}

/** One administrative act: who did what to what, when. */
export type AuditEntry = {
  readonly atEpochMs: number;
  /** Nobody else's to choose, since an entry of the same time and id is taken for this one told twice. */
  readonly id: string;
  /** Of the request, as its caller knows it, which may have chosen it. */
  readonly requestId?: string;
  /** A key's id, or the ARN of who deployed. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  /** Before and after, for people; Markdown. */
  readonly details: string;
  /** Whose affair it is, where it is one team's. */
  readonly team?: string;
  /** Where the request came from: an address, or `cli`. */
  readonly source?: string;
};

/** The trail of administrative acts. Entries are only ever added. */
export interface AuditLog {
  append(entry: AuditEntry): Promise<void>;
}

/** A request that may come twice: who tells it, by what word, and what it asks. */
export type Once = {
  readonly keyId: string;
  /** The caller's own key, as it was sent; never stored. */
  readonly presentedKey: string;
  readonly idempotencyKey: string;
  readonly request: string;
};

/** What was answered to requests that bear an Idempotency-Key. */
export interface IdempotencyStore {
  begin(once: Once): Promise<'begun' | 'busy' | 'other request' | { readonly answer: string }>;
  end(once: Once, answer: string): Promise<void>;
  forget(once: Once): Promise<void>;
}
