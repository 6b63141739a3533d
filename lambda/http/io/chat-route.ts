import type { Readable } from 'node:stream';
import { callHeaders } from '../../chat/call-headers.ts';
import type { CallMetadata, ChatCompletionResult } from '../../chat/chat-completion.ts';
import { completeChat } from '../../chat/complete-chat.ts';
import type { TeamPolicy } from '../../policy/environment.ts';
import { findTeamPolicy } from '../caller-checks.ts';
import type { GatewayCall } from './gateway-call.ts';
import { readBody, readCaller, readIdentity } from './gateway-event.ts';
import { type GatewayResponse, refusalResponse } from './gateway-response.ts';
import { recordRequest } from './request-recording.ts';
import { SlowReaders } from './slow-readers.ts';

/** The streams of this process. A client that is cut off pays for its call, which is settled as any other. */
const slowReaders = new SlowReaders();

/** `POST /openai/v1/chat/completions`. */
export async function handleChat(call: GatewayCall): Promise<GatewayResponse> {
  const { ports, event, requestId, deadlineEpochMs } = call;
  const { teams, catalog } = await ports.policies.policies();
  const identity = readIdentity(event);
  const policy = findTeamPolicy(identity, teams);
  if ('reason' in policy) return refusalResponse(policy);
  const bodyText = readBody(event);
  if (typeof bodyText !== 'string') return refusalResponse(bodyText);
  const id = ports.newId();
  const result = await completeChat(ports, { id, requestId, identity, policy, catalog, bodyText, deadlineEpochMs });
  const headers = buildResponseHeaders(call, policy, result.metadata);
  switch (result.kind) {
    case 'refused':
      return {
        ...refusalResponse(result.refusal, headers),
        reportFields: { refusal: result.refusal, ...result.metadata },
      };
    case 'complete':
      return {
        statusCode: 200,
        headers: { 'content-type': 'application/json', ...result.headers, ...headers },
        body: result.body,
        reportFields: result.metadata,
      };
    case 'stream':
      return {
        statusCode: 200,
        headers: { ...result.headers, ...headers, 'cache-control': 'no-cache' },
        body: createRelayBody(call, result),
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

/** Creates the body stream, which ends after the call is settled even if the client disconnects earlier. */
function createRelayBody(call: GatewayCall, result: Extract<ChatCompletionResult, { kind: 'stream' }>): Readable {
  const { ports, event, requestId, waitUntil } = call;
  let isReaderCutOff = false;
  const body = slowReaders.open((waitingBytes) => {
    isReaderCutOff = true;
    ports.log('reader_cut_off', { requestId, team: readCaller(event).team ?? '', waitingBytes });
  });
  const relay = result.relay(body).then(
    (ended) => {
      body.end();
      recordRequest(call, { model: ended.model, ended, isReaderCutOff });
    },
    (error: unknown) => {
      ports.log('fault', { requestId, error: error instanceof Error ? error.name : 'unknown', cause: '' });
      body.fail(error instanceof Error ? error : new Error('the relay failed'));
    },
  );
  waitUntil(relay);
  return body.readable;
}
