import { isObject, parseObject } from '../../lambda/kernel/json-object.ts';
import { addUsd, type PicoUsd, picoUsdFromNumber, ZERO_USD } from '../../lambda/kernel/money.ts';
import type { CallShape, Spender } from './figures.ts';
import type { Purse } from './targets/target.ts';

/** One call to be made. */
export type PlannedCall = {
  readonly stream: boolean;
  /** Whether the client states `max_tokens`, or leaves the length to the gateway. */
  readonly states: boolean;
  /** What is asked of a fake upstream, such as `[fault:cut]`. */
  readonly marker?: string;
  /** When the client hangs up, if it does: at the first bytes of the answer, or while it waits for them. */
  readonly leaves?: 'mid-stream' | 'mid-wait';
};

/** What clients saw. */
export type Tally = {
  readonly fired: number;
  /** Answered by 200, also when the client left in the middle. */
  readonly letThrough: number;
  /** Refusals by their code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Calls whose client hung up before it had an answer. */
  readonly left: number;
  /** Calls whose connection broke, or whose answer ended before its end. */
  readonly broken: number;
  /** The sum of what the answers said they cost. */
  readonly told: PicoUsd;
};

/** How calls are fired. */
export type Volley = {
  readonly purse: Purse;
  readonly shape: CallShape;
  readonly count: number;
  readonly atOnce: number;
  plan(index: number): PlannedCall;
  /** Told after each call; `true` fires no more. */
  isEnough?(soFar: Tally): boolean;
};

/** How long a client that leaves while it waits does wait, in milliseconds. */
const PATIENCE_MS = 150;
/** How long a client waits at most, in milliseconds. */
const TIMEOUT_MS = 240_000;

type Outcome = { readonly kind: 'answered' | 'left' | 'broken' | string; readonly told: PicoUsd };

/** Nothing fired yet. */
export const NO_CALLS: Tally = { fired: 0, letThrough: 0, refused: {}, left: 0, broken: 0, told: ZERO_USD };

/** Fires calls, so many at a time, and tells what clients saw of them. */
export async function fire(volley: Volley): Promise<Tally> {
  let tally = NO_CALLS;
  let next = 0;
  let enough = false;
  const caller = async () => {
    while (next < volley.count && !enough) {
      const index = next++;
      const outcome = await callOnce(volley, index);
      tally = counted(tally, outcome);
      enough ||= volley.isEnough?.(tally) === true;
    }
  };
  await Promise.all(Array.from({ length: Math.min(volley.atOnce, volley.count) }, caller));
  return tally;
}

/** Puts tallies together. */
export function sumOf(...tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, tally) => {
    const refused: Record<string, number> = { ...sum.refused };
    for (const [code, count] of Object.entries(tally.refused)) refused[code] = (refused[code] ?? 0) + count;
    return {
      fired: sum.fired + tally.fired,
      letThrough: sum.letThrough + tally.letThrough,
      refused,
      left: sum.left + tally.left,
      broken: sum.broken + tally.broken,
      told: addUsd(sum.told, tally.told),
    };
  }, NO_CALLS);
}

function counted(tally: Tally, { kind, told }: Outcome): Tally {
  const one = {
    answered: { letThrough: 1 },
    left: { left: 1 },
    'left an answer': { letThrough: 1, left: 1 },
    broken: { broken: 1 },
    'broken answer': { letThrough: 1, broken: 1 },
  }[kind] ?? { refused: { [kind]: 1 } };
  return sumOf(tally, { ...NO_CALLS, fired: 1, told, ...one });
}

async function callOnce({ purse, shape, plan }: Volley, index: number): Promise<Outcome> {
  const planned = plan(index);
  const { team, key } = purse.spenders[index % purse.spenders.length] as Spender;
  const leave = new AbortController();
  const timer = setTimeout(() => leave.abort(), planned.leaves === 'mid-wait' ? PATIENCE_MS : TIMEOUT_MS);
  let isAnswered = false;
  try {
    const address = await purse.addressOf(index);
    const response = await fetch(`${address}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf(shape, planned, `${team} ${String(index).padStart(5, '0')}`)),
      signal: leave.signal,
    });
    isAnswered = response.status === 200;
    if (isAnswered && planned.leaves === 'mid-stream') {
      await response.body?.getReader().read();
      leave.abort();
      return { kind: 'left an answer', told: ZERO_USD };
    }
    return outcomeOf(response, await response.text());
  } catch {
    if (leave.signal.aborted) return { kind: isAnswered ? 'left an answer' : 'left', told: ZERO_USD };
    return { kind: isAnswered ? 'broken answer' : 'broken', told: ZERO_USD };
  } finally {
    clearTimeout(timer);
  }
}

function bodyOf({ model, prompt, outputTokens }: CallShape, planned: PlannedCall, label: string): object {
  return {
    model: model.id,
    // A text of its own for each call with a fault: the fake strikes once for the same text.
    messages: [
      { role: 'user', content: planned.marker === undefined ? prompt : `${prompt}${planned.marker} ${label}` },
    ],
    ...(planned.states ? { max_tokens: outputTokens } : {}),
    ...(planned.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

function outcomeOf(response: Response, text: string): Outcome {
  if (response.status !== 200) return { kind: codeOf(text) ?? `status ${response.status}`, told: ZERO_USD };
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const cost = isStream ? /"cost_usd":"([\d.]+)"/.exec(text)?.[1] : response.headers.get('x-request-cost-usd');
  const isWhole = !isStream || (text.trimEnd().endsWith('data: [DONE]') && !text.includes('data: {"error"'));
  return {
    kind: isWhole ? 'answered' : 'broken answer',
    told: cost === undefined || cost === null ? ZERO_USD : picoUsdFromNumber(Number(cost)),
  };
}

function codeOf(text: string): string | undefined {
  const error = parseObject(text)?.error;
  return isObject(error) ? String(error.code ?? error.type) : undefined;
}
