import { findPhysicalId } from './stack-resources.ts';

/** Sends a request to the emulator's Lambda, which takes any signature of a key it knows. */
async function request(path: string, method: string, body?: unknown): Promise<Response> {
  const credential = `${process.env.AWS_ACCESS_KEY_ID}/20260101/us-east-1/lambda/aws4_request`;
  return await fetch(`${process.env.AWS_ENDPOINT_URL}/2015-03-31/functions/${path}`, {
    method,
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=x` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** How an invocation ended, and what the function answered. */
export type InvocationResult = { readonly status: number; readonly error: string | null; readonly text: string };

/** Invokes a deployed function as its schedule does. */
export async function invokeFunction(
  stackName: string,
  logicalIdStart: string,
  payload = {},
): Promise<InvocationResult> {
  const name = await findPhysicalId(stackName, 'AWS::Lambda::Function', logicalIdStart);
  const response = await request(`${name}/invocations`, 'POST', payload);
  return {
    status: response.status,
    error: response.headers.get('x-amz-function-error'),
    text: await response.text(),
  };
}

/** Does something while a deployed function has other environment variables on top of its own. */
export async function withEnvironmentVariables(
  stackName: string,
  logicalIdStart: string,
  changed: (own: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
  work: () => Promise<void>,
): Promise<void> {
  const name = await findPhysicalId(stackName, 'AWS::Lambda::Function', logicalIdStart);
  const path = `${name}/configuration`;
  const own = ((await (await request(path, 'GET')).json()) as { Environment: { Variables: Record<string, string> } })
    .Environment.Variables;
  const set = async (Variables: Readonly<Record<string, string>>) => {
    const { ok, status } = await request(path, 'PUT', { Environment: { Variables } });
    if (!ok) throw new Error(`the function's variables could not be set: ${status}`);
  };
  await set({ ...own, ...changed(own) });
  try {
    await work();
  } finally {
    await set(own);
  }
}
