/** An error response as Groq sends it. */
export type ErrorResponse = {
  readonly status: number;
  readonly error: object;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Groq's response to an invalid key. */
export const INVALID_KEY: ErrorResponse = {
  status: 401,
  error: { message: 'Invalid API Key', type: 'invalid_request_error', code: 'invalid_api_key' },
};

/** The error for a prompt that does not fit the context window. */
export const CONTEXT_LENGTH_EXCEEDED: ErrorResponse = {
  status: 400,
  error: {
    message: 'Please reduce the length of the messages or completion.',
    type: 'invalid_request_error',
    param: 'messages',
    code: 'context_length_exceeded',
  },
};

/** The error for a body that is no chat completion. */
export const MESSAGES_REQUIRED: ErrorResponse = {
  status: 400,
  error: { message: "'messages' : is required", type: 'invalid_request_error' },
};

/** The error for a path that Groq does not serve. */
export const unknownUrl = (route: string): ErrorResponse => ({
  status: 404,
  error: { message: `Unknown request URL: ${route}.`, type: 'invalid_request_error', code: 'unknown_url' },
});
