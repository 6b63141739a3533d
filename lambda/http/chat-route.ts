import { PassThrough } from 'node:stream';
import { callHeaders } from '../chat/call-headers.ts';
import { type CallFacts, type GovernAnswer, governChat } from '../chat/govern.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { GatewayCall } from './gateway-call.ts';
import { bodyOf, identityOf, policyOf } from './gateway-event.ts';
import { type GatewayResponse, refusalResponse } from './gateway-response.ts';
import { noteRequest } from './request-note.ts';

/** How much of a streamed answer may wait for a slow client, in bytes; one slower still is cut off, and still settled. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** `POST /openai/v1/chat/completions`. */
export async function answerChat(call: GatewayCall): Promise<GatewayResponse> {
  const { ports, event } = call;
  const { teams, catalog } = await ports.policies.policies();
  const identity = identityOf(event);
  const policy = policyOf(identity, teams);
  if ('reason' in policy) return refusalResponse(policy);
  const bodyText = bodyOf(event);
  if (typeof bodyText !== 'string') return refusalResponse(bodyText);
  const { requestId, deadlineEpochMs } = call;
  const answer = await governChat(ports, {
    id: ports.newId(),
    requestId,
    identity,
    policy,
    catalog,
    bodyText,
    deadlineEpochMs,
  });
  const headers = answerHeaders(call, policy, answer.facts);
  switch (answer.kind) {
    case 'refused':
      return { ...refusalResponse(answer.refusal, headers), told: { refusal: answer.refusal, ...answer.facts } };
    case 'whole':
      return {
        statusCode: 200,
        headers: { 'content-type': 'application/json', ...answer.headers, ...headers },
        body: answer.body,
        told: answer.facts,
      };
    case 'stream':
      return {
        statusCode: 200,
        headers: { ...answer.headers, ...headers, 'cache-control': 'no-cache' },
        body: relayed(call, answer),
      };
  }
}

function answerHeaders(
  { ports, startedAtMs }: GatewayCall,
  policy: TeamPolicy,
  facts: CallFacts,
): Record<string, string> {
  const upstreamMs = facts.upstreamMs ?? 0;
  const gatewayMs = ports.clock.monotonicMs() - startedAtMs - upstreamMs;
  return {
    ...callHeaders(policy, facts, ports.clock.nowEpochMs()),
    'server-timing': `gateway;dur=${gatewayMs.toFixed(1)}, upstream;dur=${upstreamMs.toFixed(1)}`,
  };
}

/** The stream to the client, which ends only once the call has been settled, whether or not the client still reads. */
function relayed(call: GatewayCall, answer: Extract<GovernAnswer, { kind: 'stream' }>): PassThrough {
  const { ports, requestId, finishBeforeEnd } = call;
  const body = new PassThrough();
  // A client that has gone destroys the stream; the call goes on to its settlement all the same.
  body.on('error', () => {});
  const sink = {
    write(bytes: Uint8Array) {
      if (body.destroyed) return;
      if (body.writableLength + body.readableLength > MAX_WAITING_BYTES) body.destroy();
      else body.write(bytes);
    },
  };
  const relay = answer.relay(sink).then(
    (ended) => {
      body.end();
      noteRequest(call, { model: ended.model, ended });
    },
    (error: unknown) => {
      ports.log('fault', { requestId, error: error instanceof Error ? error.name : 'unknown', cause: '' });
      body.destroy(error instanceof Error ? error : new Error('the relay failed'));
    },
  );
  finishBeforeEnd(relay);
  return body;
}
