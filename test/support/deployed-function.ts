import { physicalIdOf } from './stack-resources.ts';

/** How an invocation ended, and what the function answered. */
export type Invoked = { readonly status: number; readonly error: string | null; readonly text: string };

/** Invokes a function as its schedule does; an emulator takes any signature of a key it knows. */
export async function invokeDeployed(stackName: string, logicalIdStart: string, payload = {}): Promise<Invoked> {
  const name = await physicalIdOf(stackName, 'AWS::Lambda::Function', logicalIdStart);
  const credential = `${process.env.AWS_ACCESS_KEY_ID}/20260101/us-east-1/lambda/aws4_request`;
  const response = await fetch(`${process.env.AWS_ENDPOINT_URL}/2015-03-31/functions/${name}/invocations`, {
    method: 'POST',
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=x` },
    body: JSON.stringify(payload),
  });
  return {
    status: response.status,
    error: response.headers.get('x-amz-function-error'),
    text: await response.text(),
  };
}
