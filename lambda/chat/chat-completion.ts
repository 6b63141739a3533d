import type { Identity } from '../access/identity.ts';
import type { Headroom } from '../groq/headroom.ts';
import type { Upstream } from '../groq/upstream.ts';
import type { Clock, Log } from '../kernel/clock.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { Catalog } from '../pricing/catalog.ts';
import type { RecentOutputs } from './recent-outputs.ts';

/** What the use-case needs of the world. */
export type ChatCompletionPorts = {
  readonly ledger: Ledger;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
  readonly outputs: RecentOutputs;
  readonly headroom: Headroom;
};

/** One chat completion to be governed. */
export type ChatCompletionRequest = {
  /** Of the reservation: fresh, and nothing that a client can choose, or calls could share one reservation. */
  readonly id: string;
  /** What caller and log know the request by. */
  readonly requestId: string;
  readonly identity: Identity;
  readonly policy: TeamPolicy;
  readonly catalog: Catalog;
  readonly bodyText: string;
  /** When the answer must be complete. */
  readonly deadlineEpochMs: number;
};
