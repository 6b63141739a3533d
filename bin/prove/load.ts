import { isObject, parseObject } from '../../lambda/kernel/json-object.ts';
import { addUsd, type PicoUsd, picoUsdFromNumber, ZERO_USD } from '../../lambda/kernel/money.ts';
import type { CallTemplate, TeamCredential } from './figures.ts';
import type { BudgetHandle } from './targets/target.ts';

/** One call to be made. */
export type PlannedCall = {
  readonly stream: boolean;
  /** Whether the client states `max_tokens`, or leaves the length to the gateway. */
  readonly sendsMaxTokens: boolean;
  /** What is asked of a fake upstream, such as `[fault:cut]`. */
  readonly marker?: string;
  /** When the client hangs up, if it does: at the first bytes of the answer, or while it waits for them. */
  readonly disconnectAt?: 'mid-stream' | 'mid-wait';
};

/** What clients saw. */
export type Tally = {
  readonly sent: number;
  /** Answered by 200, also when the client left in the middle. */
  readonly admitted: number;
  /** Refusals by their code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Calls whose client hung up before it had an answer. */
  readonly disconnected: number;
  /** Calls whose connection broke, or whose answer ended before its end. */
  readonly broken: number;
  /** The sum of what the answers said they cost. */
  readonly reportedCost: PicoUsd;
};

/** How calls are fired. */
export type CallBurst = {
  readonly budgetHandle: BudgetHandle;
  readonly template: CallTemplate;
  readonly count: number;
  readonly concurrency: number;
  plan(index: number): PlannedCall;
  /** Told after each call; `true` fires no more. */
  shouldStop?(soFar: Tally): boolean;
};

/** How long a client that leaves while it waits does wait, in milliseconds. */
const PATIENCE_MS = 150;
/** How long a client waits at most, in milliseconds. */
const TIMEOUT_MS = 240_000;

type Outcome = { readonly kind: 'answered' | 'left' | 'broken' | string; readonly reportedCost: PicoUsd };

/** Nothing fired yet. */
export const EMPTY_TALLY: Tally = {
  sent: 0,
  admitted: 0,
  refused: {},
  disconnected: 0,
  broken: 0,
  reportedCost: ZERO_USD,
};

/** Fires calls, so many at a time, and tells what clients saw of them. */
export async function sendCalls(burst: CallBurst): Promise<Tally> {
  let tally = EMPTY_TALLY;
  let next = 0;
  let enough = false;
  const caller = async () => {
    while (next < burst.count && !enough) {
      const index = next++;
      const outcome = await sendCall(burst, index);
      tally = countOutcome(tally, outcome);
      enough ||= burst.shouldStop?.(tally) === true;
    }
  };
  await Promise.all(Array.from({ length: Math.min(burst.concurrency, burst.count) }, caller));
  return tally;
}

/** Puts tallies together. */
export function addTallies(...tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, tally) => {
    const refused: Record<string, number> = { ...sum.refused };
    for (const [code, count] of Object.entries(tally.refused)) refused[code] = (refused[code] ?? 0) + count;
    return {
      sent: sum.sent + tally.sent,
      admitted: sum.admitted + tally.admitted,
      refused,
      disconnected: sum.disconnected + tally.disconnected,
      broken: sum.broken + tally.broken,
      reportedCost: addUsd(sum.reportedCost, tally.reportedCost),
    };
  }, EMPTY_TALLY);
}

function countOutcome(tally: Tally, { kind, reportedCost }: Outcome): Tally {
  const one = {
    answered: { admitted: 1 },
    disconnected: { disconnected: 1 },
    'left an answer': { admitted: 1, disconnected: 1 },
    broken: { broken: 1 },
    'broken answer': { admitted: 1, broken: 1 },
  }[kind] ?? { refused: { [kind]: 1 } };
  return addTallies(tally, { ...EMPTY_TALLY, sent: 1, reportedCost, ...one });
}

async function sendCall({ budgetHandle, template, plan }: CallBurst, index: number): Promise<Outcome> {
  const planned = plan(index);
  const { team, key } = budgetHandle.credentials[index % budgetHandle.credentials.length] as TeamCredential;
  const leave = new AbortController();
  const timer = setTimeout(() => leave.abort(), planned.disconnectAt === 'mid-wait' ? PATIENCE_MS : TIMEOUT_MS);
  let isAnswered = false;
  try {
    const address = await budgetHandle.nextAddress(index);
    const response = await fetch(`${address}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(buildRequestBody(template, planned, `${team} ${String(index).padStart(5, '0')}`)),
      signal: leave.signal,
    });
    isAnswered = response.status === 200;
    if (isAnswered && planned.disconnectAt === 'mid-stream') {
      await response.body?.getReader().read();
      leave.abort();
      return { kind: 'left an answer', reportedCost: ZERO_USD };
    }
    return classifyResponse(response, await response.text());
  } catch {
    if (leave.signal.aborted) return { kind: isAnswered ? 'left an answer' : 'left', reportedCost: ZERO_USD };
    return { kind: isAnswered ? 'broken answer' : 'broken', reportedCost: ZERO_USD };
  } finally {
    clearTimeout(timer);
  }
}

function buildRequestBody({ model, prompt, outputTokens }: CallTemplate, planned: PlannedCall, label: string): object {
  return {
    model: model.id,
    // A text of its own for each call with a fault: the fake strikes once for the same text.
    messages: [
      { role: 'user', content: planned.marker === undefined ? prompt : `${prompt}${planned.marker} ${label}` },
    ],
    ...(planned.sendsMaxTokens ? { max_tokens: outputTokens } : {}),
    ...(planned.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

function classifyResponse(response: Response, text: string): Outcome {
  if (response.status !== 200)
    return { kind: readErrorCode(text) ?? `status ${response.status}`, reportedCost: ZERO_USD };
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const cost = isStream ? /"cost_usd":"([\d.]+)"/.exec(text)?.[1] : response.headers.get('x-request-cost-usd');
  const isWhole = !isStream || (text.trimEnd().endsWith('data: [DONE]') && !text.includes('data: {"error"'));
  return {
    kind: isWhole ? 'answered' : 'broken answer',
    reportedCost: cost === undefined || cost === null ? ZERO_USD : picoUsdFromNumber(Number(cost)),
  };
}

function readErrorCode(text: string): string | undefined {
  const error = parseObject(text)?.error;
  return isObject(error) ? String(error.code ?? error.type) : undefined;
}
