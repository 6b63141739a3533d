/** What the gateway answered, as far as the page must tell it apart. */
export type ApiResult<Body> =
  | { readonly kind: 'ok'; readonly body: Body }
  /** The key may not see it, or the gateway does not know it: asking again changes nothing. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  /** The key is none, or none any more. */
  | { readonly kind: 'signed out' }
  /** Nobody answered, or nobody could: later it may be different. */
  | { readonly kind: 'unavailable'; readonly why: string };

/** How long an answer may take, in milliseconds. */
const TIMEOUT_MS = 10_000;
/** What a header can carry. */
const HEADER_VALUE = /^[\x21-\x7e]+$/;

/** Asks the gateway for something, with a key. */
export async function fetchApi<Body>(path: string, key: string, signal: AbortSignal): Promise<ApiResult<Body>> {
  if (!HEADER_VALUE.test(key)) return { kind: 'signed out' };
  try {
    const response = await fetch(`/openai/v1/${path}`, {
      headers: { authorization: `Bearer ${key}` },
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    if (response.status === 401) return { kind: 'signed out' };
    if (response.ok) return { kind: 'ok', body: (await response.json()) as Body };
    if (response.status >= 500 || response.status === 429)
      return { kind: 'unavailable', why: `The gateway answers ${response.status}.` };
    return { kind: 'refused', status: response.status, message: await readErrorMessage(response) };
  } catch {
    return { kind: 'unavailable', why: 'The gateway does not answer.' };
  }
}

async function readErrorMessage(response: Response): Promise<string> {
  const body = (await response.json().catch(() => ({}))) as { readonly error?: { readonly message?: unknown } };
  return typeof body.error?.message === 'string' ? body.error.message : `It answers ${response.status}.`;
}
