import middy from '@middy/core';
import type { KeyRecord } from '../../access/key-record.ts';
import type { Log } from '../../kernel/clock.ts';
import { formatRetirement, type RetirementPorts, type RetirementResult, retireKeys } from '../retire-keys.ts';

/** What the scheduled retirement needs of the world. */
export type KeyRetirementHandlerPorts = Omit<RetirementPorts, 'nowEpochMs'> & {
  /** The teams as they stand. */
  readonly teams: () => Promise<Iterable<string>>;
  readonly notify: (subject: string, lines: readonly string[]) => Promise<void>;
  readonly nowEpochMs: () => number;
  readonly environmentName: string;
  readonly log: Log;
};

/**
 * Makes the scheduled retirement of keys: a line in the log for each key that was retired, is still in use or ends soon,
 * and one message to the operators when there is any.
 *
 * @throws Error when keys of a team could not be looked at, or nobody could be told, after all else has been done.
 */
export function createKeyRetirementHandler({
  teams,
  notify,
  log,
  environmentName,
  ...ports
}: KeyRetirementHandlerPorts) {
  return middy<unknown, void>({ timeoutEarlyInMillis: 0 }).handler(async () => {
    const done = await retireKeys({ ...ports, nowEpochMs: ports.nowEpochMs() }, await teams());
    logEach(log, done);
    const lines = formatRetirement(done);
    const faults = done.failed.length === 0 ? [] : [`could not retire the keys of ${done.failed.join(', ')}`];
    if (lines.length > 0) {
      await notify(`Groq gateway ${environmentName}: keys`, lines).catch((error: Error) => {
        log('retirement_notification_failed', { error: error.name, lines: lines.length });
        faults.push('could not tell the operators');
      });
    }
    if (faults.length > 0) throw new Error(faults.join('; '));
  });
}

function logEach(log: Log, { retired, inUse, expiring }: RetirementResult): void {
  const facts = ({ keyId, name, team }: KeyRecord) => ({ keyId, name, ...(team === undefined ? {} : { team }) });
  for (const key of retired) log('key_retired', facts(key));
  for (const key of inUse) {
    const { requestsToday, requestsYesterday } = key;
    log('key_still_in_use', { ...facts(key), requestsToday, requestsYesterday });
  }
  for (const key of expiring) log('key_expires_soon', { ...facts(key), expiresAtEpochMs: key.expiresAtEpochMs ?? 0 });
}
