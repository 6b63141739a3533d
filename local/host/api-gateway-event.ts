import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEvent } from 'aws-lambda';

/**
 * Converts a request to the proxy event that API Gateway would send, with the fields that the gateway reads. A body that
 * is not valid UTF-8 is passed as base64, so that the handler gets it unaltered and refuses it.
 */
export function toProxyEvent(
  request: IncomingMessage,
  requestId: string,
  body: Buffer,
  authorizer: Readonly<Record<string, string>>,
): APIGatewayProxyEvent {
  const text = decodeUtf8(body);
  const [path = '/', ...queryParts] = (request.url ?? '/').split('?');
  const event: Pick<
    APIGatewayProxyEvent,
    'httpMethod' | 'path' | 'headers' | 'body' | 'isBase64Encoded' | 'multiValueQueryStringParameters'
  > & {
    requestContext: object;
  } = {
    httpMethod: request.method ?? 'GET',
    path,
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    ),
    multiValueQueryStringParameters: parseQuery(queryParts.join('?')),
    body: body.length === 0 ? null : (text ?? body.toString('base64')),
    isBase64Encoded: text === undefined,
    requestContext: {
      requestId,
      authorizer,
      stage: 'local',
      httpMethod: request.method,
      path,
      identity: { sourceIp: request.socket.remoteAddress },
    },
  };
  return event as APIGatewayProxyEvent;
}

function parseQuery(text: string): Record<string, string[]> | null {
  const query = new URLSearchParams(text);
  const names = [...new Set(query.keys())];
  return names.length === 0 ? null : Object.fromEntries(names.map((name) => [name, query.getAll(name)]));
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
