import { isObject, parseObject } from '../../lambda/kernel/json/json-object.ts';
import { picoUsdFromNumber, ZERO_USD } from '../../lambda/kernel/money.ts';
import type { CallTemplate, TeamCredential } from './figures.ts';
import { type CallOutcome, countOutcome, EMPTY_TALLY, type Tally } from './tally.ts';
import type { BudgetHandle } from './targets/target.ts';

/** One call to send. */
export type PlannedCall = {
  readonly stream: boolean;
  /** Sends `max_tokens`; otherwise the gateway chooses the limit. */
  readonly sendsMaxTokens: boolean;
  /** An instruction to the fake upstream, such as `[fault:cut]`. */
  readonly marker?: string;
  /** The client hangs up at the first bytes of the response, or while it waits for them. */
  readonly disconnectAt?: 'mid-stream' | 'mid-wait';
};

/** Calls to one budget, sent by concurrent callers. */
export type CallBurst = {
  readonly budgetHandle: BudgetHandle;
  readonly template: CallTemplate;
  readonly count: number;
  readonly concurrency: number;
  plan(index: number): PlannedCall;
  /** Called after each call; `true` sends no more calls. */
  shouldStop?(soFar: Tally): boolean;
};

/** The wait before a client hangs up that does so while it waits. */
const DISCONNECT_AFTER_MS = 150;
const TIMEOUT_MS = 240_000;

/** Sends a burst of calls and counts their results. */
export async function sendCalls(burst: CallBurst): Promise<Tally> {
  let tally = EMPTY_TALLY;
  let next = 0;
  let isStopped = false;
  const runCaller = async () => {
    while (next < burst.count && !isStopped) {
      const index = next++;
      const outcome = await sendCall(burst, index);
      tally = countOutcome(tally, outcome);
      isStopped ||= burst.shouldStop?.(tally) === true;
    }
  };
  await Promise.all(Array.from({ length: Math.min(burst.concurrency, burst.count) }, runCaller));
  return tally;
}

async function sendCall({ budgetHandle, template, plan }: CallBurst, index: number): Promise<CallOutcome> {
  const planned = plan(index);
  const { team, key } = budgetHandle.credentials[index % budgetHandle.credentials.length] as TeamCredential;
  const abort = new AbortController();
  const abortAfterMs = planned.disconnectAt === 'mid-wait' ? DISCONNECT_AFTER_MS : TIMEOUT_MS;
  const timer = setTimeout(() => abort.abort(), abortAfterMs);
  let isAdmitted = false;
  const end = (result: 'disconnected' | 'broken') => ({
    result: isAdmitted ? `${result} mid-stream` : result,
    reportedCost: ZERO_USD,
  });
  try {
    const address = await budgetHandle.nextAddress(index);
    const response = await fetch(`${address}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(buildRequestBody(template, planned, `${team} ${String(index).padStart(5, '0')}`)),
      signal: abort.signal,
    });
    isAdmitted = response.status === 200;
    if (isAdmitted && planned.disconnectAt === 'mid-stream') {
      await response.body?.getReader().read();
      abort.abort();
      return end('disconnected');
    }
    return classifyResponse(response, await response.text());
  } catch {
    return end(abort.signal.aborted ? 'disconnected' : 'broken');
  } finally {
    clearTimeout(timer);
  }
}

function buildRequestBody({ model, prompt, outputTokens }: CallTemplate, planned: PlannedCall, label: string): object {
  return {
    model: model.id,
    // Calls with a fault need distinct texts: the fake applies some faults once per text.
    messages: [
      { role: 'user', content: planned.marker === undefined ? prompt : `${prompt}${planned.marker} ${label}` },
    ],
    ...(planned.sendsMaxTokens ? { max_tokens: outputTokens } : {}),
    ...(planned.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

function classifyResponse(response: Response, text: string): CallOutcome {
  if (response.status !== 200)
    return { result: readErrorCode(text) ?? `status ${response.status}`, reportedCost: ZERO_USD };
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const cost = isStream ? /"cost_usd":"([\d.]+)"/.exec(text)?.[1] : response.headers.get('x-request-cost-usd');
  const isComplete = !isStream || (text.trimEnd().endsWith('data: [DONE]') && !text.includes('data: {"error"'));
  return {
    result: isComplete ? 'answered' : 'broken mid-stream',
    reportedCost: cost === undefined || cost === null ? ZERO_USD : picoUsdFromNumber(Number(cost)),
  };
}

function readErrorCode(text: string): string | undefined {
  const error = parseObject(text)?.error;
  return isObject(error) ? String(error.code ?? error.type) : undefined;
}
