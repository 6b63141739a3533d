import { dayStartEpochMs } from './period.ts';

/** A time in ISO 8601 with its zone; NaN for anything else, which Date would read as the machine's own zone, or as another day. */
export function parseTime(text: string): number {
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  // biome-ignore lint/style/noRestrictedGlobals: Date.parse of a time with its zone reads no clock.
  return isTime && dayStartEpochMs(text.slice(0, 10)) !== undefined ? Date.parse(text) : Number.NaN;
}
