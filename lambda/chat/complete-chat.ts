import { admit } from './admission.ts';
import type { ChatCompletionPorts, ChatCompletionRequest, ChatCompletionResult } from './chat-completion.ts';
import { acquireHeadroom } from './headroom-queue.ts';
import { parseChatRequest } from './request/chat-request.ts';
import { decide } from './request/decide.ts';
import { explainReserveRefusal } from './reserve-refusal.ts';
import { runCall } from './run-call.ts';

/** Serves a chat completion: decides, waits for headroom at Groq, reserves, calls Groq and settles. */
export async function completeChat(
  ports: ChatCompletionPorts,
  request: ChatCompletionRequest,
): Promise<ChatCompletionResult> {
  const { identity, policy, catalog, deadlineEpochMs } = request;
  const parsed = parseChatRequest(request.bodyText, policy.passFields);
  if ('reason' in parsed) return { kind: 'refused', refusal: parsed, metadata: {} };
  const metadata = catalog.models.has(parsed.model) ? { model: parsed.model } : {};
  const call = decide(identity, policy, catalog, parsed);
  if ('reason' in call) return { kind: 'refused', refusal: call, metadata };
  const slot = await acquireHeadroom(ports, policy, call, deadlineEpochMs);
  if ('reason' in slot) return { kind: 'refused', refusal: slot, metadata };
  try {
    const admission = await admit(ports, {
      id: request.id,
      keyId: identity.keyId,
      scope: identity.scope,
      policy,
      call,
      deadlineEpochMs,
      queuedMs: slot.queuedMs,
      // A call that waits for money has sent nothing, so it must not count against Groq's limits.
      onWait: slot.release,
      typicalOutputTokens: () => ports.outputs.typicalLength(policy.team, call.model.id),
    });
    if (admission.kind === 'refused') {
      const { refused, view } = admission;
      const refusal = explainReserveRefusal(policy, call, refused, view, ports.clock.nowEpochMs());
      return { kind: 'refused', refusal, metadata: { view, model: call.model.id } };
    }
    slot.reacquire();
    return await runCall(ports, request, admission);
  } finally {
    // By now Groq's response has reported its limits, or Groq never received the call.
    slot.release();
  }
}
