import { findDeployedResource } from './deployed-resources.ts';

/** Sends a request to the emulator's Lambda API, which accepts any signature of a known key. */
async function request(path: string, method: string, body?: unknown): Promise<Response> {
  const credential = `${process.env.AWS_ACCESS_KEY_ID}/20260101/us-east-1/lambda/aws4_request`;
  return await fetch(`${process.env.AWS_ENDPOINT_URL}/2015-03-31/functions/${path}`, {
    method,
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=x` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function findFunction(logicalIdStart: string): Promise<string> {
  return await findDeployedResource('AWS::Lambda::Function', logicalIdStart);
}

/** Result of an invocation: the API's status, the function's error if it failed, and its response. */
export type InvocationResult = { readonly status: number; readonly error: string | null; readonly text: string };

/** Invokes a deployed function synchronously. */
export async function invokeFunction(logicalIdStart: string, payload = {}): Promise<InvocationResult> {
  const name = await findFunction(logicalIdStart);
  const response = await request(`${name}/invocations`, 'POST', payload);
  return {
    status: response.status,
    error: response.headers.get('x-amz-function-error'),
    text: await response.text(),
  };
}

/** Runs `work` while a deployed function has additional environment variables, and restores the original ones. */
export async function withEnvironmentVariables(
  logicalIdStart: string,
  changed: (original: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
  work: () => Promise<void>,
): Promise<void> {
  const path = `${await findFunction(logicalIdStart)}/configuration`;
  const configuration = (await (await request(path, 'GET')).json()) as {
    Environment: { Variables: Record<string, string> };
  };
  const original = configuration.Environment.Variables;
  const set = async (Variables: Readonly<Record<string, string>>) => {
    const { ok, status } = await request(path, 'PUT', { Environment: { Variables } });
    if (!ok) throw new Error(`Lambda answered ${status} to new environment variables`);
  };
  await set({ ...original, ...changed(original) });
  try {
    await work();
  } finally {
    await set(original);
  }
}
