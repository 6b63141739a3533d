import middy from '@middy/core';
import type { KeyRecord } from '../../access/key-record.ts';
import type { Log } from '../../kernel/clock.ts';
import { formatRetirement, type RetirementPorts, type RetirementResult, retireKeys } from '../retire-keys.ts';

/** Ports of the scheduled retirement. */
export type KeyRetirementHandlerPorts = Omit<RetirementPorts, 'nowEpochMs'> & {
  readonly teams: () => Promise<Iterable<string>>;
  readonly notify: (subject: string, lines: readonly string[]) => Promise<void>;
  readonly nowEpochMs: () => number;
  readonly environmentName: string;
  readonly log: Log;
};

/**
 * Creates the handler of the scheduled retirement of keys. It logs a line per key that was retired, is still in use or
 * expires soon, and sends operators one message about all of them.
 *
 * @throws Error if a team's keys could not be retired or the message could not be sent, after everything else is done.
 */
export function createKeyRetirementHandler({
  teams,
  notify,
  log,
  environmentName,
  ...ports
}: KeyRetirementHandlerPorts) {
  return middy<unknown, void>({ timeoutEarlyInMillis: 0 }).handler(async () => {
    const result = await retireKeys({ ...ports, nowEpochMs: ports.nowEpochMs() }, await teams());
    logEach(log, result);
    const lines = formatRetirement(result);
    const faults = result.failed.length === 0 ? [] : [`could not retire the keys of ${result.failed.join(', ')}`];
    if (lines.length > 0) {
      await notify(`Groq gateway ${environmentName}: keys`, lines).catch((error: Error) => {
        log('retirement_notification_failed', { error: error.name, lines: lines.length });
        faults.push('could not notify the operators');
      });
    }
    if (faults.length > 0) throw new Error(faults.join('; '));
  });
}

function logEach(log: Log, { retired, inUse, expiring }: RetirementResult): void {
  const describe = ({ keyId, name, team }: KeyRecord) => ({ keyId, name, ...(team === undefined ? {} : { team }) });
  for (const key of retired) log('key_retired', describe(key));
  for (const key of inUse) {
    const { requestsToday, requestsYesterday } = key;
    log('key_still_in_use', { ...describe(key), requestsToday, requestsYesterday });
  }
  for (const key of expiring)
    log('key_expires_soon', { ...describe(key), expiresAtEpochMs: key.expiresAtEpochMs ?? 0 });
}
