import { PassThrough } from 'node:stream';
import { callHeaders } from '../../chat/call-headers.ts';
import type { CallMetadata, ChatCompletionResult } from '../../chat/chat-completion.ts';
import { completeChat } from '../../chat/complete-chat.ts';
import type { TeamPolicy } from '../../policy/environment.ts';
import type { GatewayCall } from './gateway-call.ts';
import { findTeamPolicy, readBody, readIdentity } from './gateway-event.ts';
import { type GatewayResponse, refusalResponse } from './gateway-response.ts';
import { recordRequest } from './request-recording.ts';

/** How much of a streamed answer may wait for a slow client, in bytes; one slower still is cut off, and still settled. */
const MAX_BUFFERED_BYTES = 32 * 1024 * 1024;

/** `POST /openai/v1/chat/completions`. */
export async function handleChat(call: GatewayCall): Promise<GatewayResponse> {
  const { ports, event } = call;
  const { teams, catalog } = await ports.policies.policies();
  const identity = readIdentity(event);
  const policy = findTeamPolicy(identity, teams);
  if ('reason' in policy) return refusalResponse(policy);
  const bodyText = readBody(event);
  if (typeof bodyText !== 'string') return refusalResponse(bodyText);
  const { requestId, deadlineEpochMs } = call;
  const answer = await completeChat(ports, {
    id: ports.newId(),
    requestId,
    identity,
    policy,
    catalog,
    bodyText,
    deadlineEpochMs,
  });
  const headers = buildResponseHeaders(call, policy, answer.metadata);
  switch (answer.kind) {
    case 'refused':
      return {
        ...refusalResponse(answer.refusal, headers),
        reportFields: { refusal: answer.refusal, ...answer.metadata },
      };
    case 'complete':
      return {
        statusCode: 200,
        headers: { 'content-type': 'application/json', ...answer.headers, ...headers },
        body: answer.body,
        reportFields: answer.metadata,
      };
    case 'stream':
      return {
        statusCode: 200,
        headers: { ...answer.headers, ...headers, 'cache-control': 'no-cache' },
        body: createRelayBody(call, answer),
      };
  }
}

function buildResponseHeaders(
  { ports, startedAtMs }: GatewayCall,
  policy: TeamPolicy,
  metadata: CallMetadata,
): Record<string, string> {
  const upstreamMs = metadata.upstreamMs ?? 0;
  const gatewayMs = ports.clock.monotonicMs() - startedAtMs - upstreamMs;
  return {
    ...callHeaders(policy, metadata, ports.clock.nowEpochMs()),
    'server-timing': `gateway;dur=${gatewayMs.toFixed(1)}, upstream;dur=${upstreamMs.toFixed(1)}`,
  };
}

/** The stream to the client, which ends only once the call has been settled, whether or not the client still reads. */
function createRelayBody(call: GatewayCall, answer: Extract<ChatCompletionResult, { kind: 'stream' }>): PassThrough {
  const { ports, requestId, waitUntil } = call;
  const body = new PassThrough();
  // A client that has gone destroys the stream; the call goes on to its settlement all the same.
  body.on('error', () => {});
  const sink = {
    write(bytes: Uint8Array) {
      if (body.destroyed) return;
      if (body.writableLength + body.readableLength > MAX_BUFFERED_BYTES) body.destroy();
      else body.write(bytes);
    },
  };
  const relay = answer.relay(sink).then(
    (ended) => {
      body.end();
      recordRequest(call, { model: ended.model, ended });
    },
    (error: unknown) => {
      ports.log('fault', { requestId, error: error instanceof Error ? error.name : 'unknown', cause: '' });
      body.destroy(error instanceof Error ? error : new Error('the relay failed'));
    },
  );
  waitUntil(relay);
  return body;
}
