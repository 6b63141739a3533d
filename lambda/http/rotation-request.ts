import { parseObject } from '../kernel/json/json-object.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';

const FIELDS = ['overlap_hours', 'reason'];
const DEFAULT_OVERLAP_HOURS = 24;
const MAX_REASON_LENGTH = 200;

/** Options of a key rotation. */
export type RotationRequest = { readonly overlapHours: number; readonly reason: string };

/** Parses the body of a rotation request; an empty body means the defaults. */
export function parseRotationRequest(bodyText: string): RotationRequest | Refusal {
  const body = bodyText.trim() === '' ? {} : parseObject(bodyText);
  if (body === undefined)
    return refuse('invalid_request', 'The body is not a JSON object. Send {"overlap_hours": 24}, or none.');
  const unknown = Object.keys(body)
    .find((field) => !FIELDS.includes(field))
    ?.slice(0, 40);
  if (unknown !== undefined)
    return refuse(
      'invalid_request',
      `"${unknown}" is no field of a rotation${didYouMean(unknown, FIELDS)}; the fields are ${FIELDS.join(', ')}.`,
    );
  const { overlap_hours: overlapHours = DEFAULT_OVERLAP_HOURS, reason = '' } = body;
  if (typeof overlapHours !== 'number')
    return refuse('invalid_request', '"overlap_hours" must be hours as a number.', { param: 'overlap_hours' });
  if (typeof reason !== 'string') return refuse('invalid_request', '"reason" must be text.', { param: 'reason' });
  return { overlapHours, reason: truncateReason(reason) };
}

/** Shortens a reason to what the audit trail stores. */
export function truncateReason(reason: string): string {
  return reason.slice(0, MAX_REASON_LENGTH);
}
