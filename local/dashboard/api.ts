/** Outcome of a request to the gateway. */
export type ApiResult<Body> =
  | { readonly kind: 'ok'; readonly body: Body }
  /** The key has no permission, or the gateway has no such endpoint. A retry is pointless. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  /** The key is invalid, or no longer valid. */
  | { readonly kind: 'signed out' }
  /** A transient failure: no response, or a temporary error. */
  | { readonly kind: 'unavailable'; readonly why: string };

const TIMEOUT_MS = 10_000;
/** Characters that a header may contain. */
const HEADER_VALUE = /^[\x21-\x7e]+$/;

/** Sends a GET request to the gateway, authorized by a key. */
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
      return { kind: 'unavailable', why: `The gateway responds with ${response.status}.` };
    return { kind: 'refused', status: response.status, message: await readErrorMessage(response) };
  } catch {
    return { kind: 'unavailable', why: 'The gateway does not respond.' };
  }
}

async function readErrorMessage(response: Response): Promise<string> {
  const body = (await response.json().catch(() => ({}))) as { readonly error?: { readonly message?: unknown } };
  return typeof body.error?.message === 'string' ? body.error.message : `It responds with ${response.status}.`;
}
