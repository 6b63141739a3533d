import { dayStartEpochMs } from './period.ts';

/**
 * Parses an ISO 8601 time that has a zone; returns NaN for any other text. Date alone would accept a time without a zone
 * as local, and 30 February as a day of March.
 */
export function parseTime(text: string): number {
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  // biome-ignore lint/style/noRestrictedGlobals: Date.parse of a time with its zone reads no clock.
  return isTime && dayStartEpochMs(text.slice(0, 10)) !== undefined ? Date.parse(text) : Number.NaN;
}
