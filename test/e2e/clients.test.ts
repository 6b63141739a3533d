import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createGroq } from '@ai-sdk/groq';
import { HumanMessage } from '@langchain/core/messages';
import { ChatGroq } from '@langchain/groq';
import { APICallError, generateText, streamText } from 'ai';
import Groq from 'groq-sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roomyEnvironment } from '../support/gateway/gateway-process.ts';
import { startTarget, type Target } from '../support/gateway/target.ts';

const MODEL = 'openai/gpt-oss-20b';
const messages = [{ role: 'user' as const, content: 'Hello' }];
const weather = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

let gateway: Target;
beforeAll(async () => {
  const roomy = roomyEnvironment().teams.roomy;
  const environment = {
    teams: { roomy, broke: { ...roomy, monthlyBudgetUsd: 0 }, slow: { ...roomy, rateLimitRpm: 1 } },
  };
  gateway = await startTarget(environment);
});
afterAll(async () => await gateway.close());

const teamKey = (team: string) => gateway.teams[team]?.key ?? '';

/** The two SDKs with OpenAI's interface, each with its own form of the base URL. */
const SDKS = {
  'groq-sdk': (apiKey: string, more: object = {}) => new Groq({ apiKey, baseURL: gateway.baseUrl, ...more }),
  openai: (apiKey: string, more: object = {}) =>
    new OpenAI({ apiKey, baseURL: `${gateway.baseUrl}/openai/v1`, ...more }) as unknown as Groq,
};
const ERRORS = { 'groq-sdk': Groq, openai: OpenAI };

describe.each(Object.keys(SDKS) as (keyof typeof SDKS)[])('%s with only its base URL and key changed', (name) => {
  const client = (team = 'roomy', more = {}) => SDKS[name](teamKey(team), more);

  it('chats', async () => {
    const answer = await client().chat.completions.create({
      model: MODEL,
      messages,
      temperature: null,
      max_tokens: 20,
    });
    expect(answer.choices[0]?.message.content).toMatch(/fake Groq/);
    expect(answer.usage?.completion_tokens).toBe(20);
  });

  it('streams, and gets the usage chunk only on request', async () => {
    const readChunks = async (more: object) => {
      const stream = await client().chat.completions.create({ model: MODEL, messages, stream: true, ...more });
      const chunks: Groq.Chat.ChatCompletionChunk[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      return chunks;
    };
    const plain = await readChunks({});
    expect(plain.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toMatch(/fake Groq/);
    expect(plain.some((chunk) => 'usage' in chunk)).toBe(false);
    expect(plain.at(-1)?.x_groq?.usage?.completion_tokens).toBe(24);
    const withUsage = await readChunks({ stream_options: { include_usage: true } });
    expect(withUsage.at(-1)).toMatchObject({
      choices: [],
      usage: { completion_tokens: 24 },
      x_gateway: { cost_usd: expect.stringMatching(/^0\.0000\d+$/) },
    });
  });

  it('calls tools, with and without streaming, and sends the results back', async () => {
    const answer = await client().chat.completions.create({ model: MODEL, messages, tools: [weather] });
    const call = answer.choices[0]?.message.tool_calls?.[0];
    expect([answer.choices[0]?.finish_reason, JSON.parse(call?.function.arguments ?? '')]).toEqual([
      'tool_calls',
      { city: 'fake' },
    ]);
    const results = [
      ...messages,
      { role: 'assistant' as const, tool_calls: [call] as never },
      { role: 'tool' as const, tool_call_id: call?.id ?? '', content: 'sunny' },
    ];
    const after = await client().chat.completions.create({ model: MODEL, messages: results, tools: [weather] });
    expect(after.choices[0]?.finish_reason).toBe('stop');
  });

  it('supports JSON mode', async () => {
    const answer = await client().chat.completions.create({
      model: MODEL,
      messages,
      response_format: { type: 'json_object' },
    });
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({ answer: 'fake' });
  });

  it('lists and retrieves models', async () => {
    expect((await client().models.list()).data.map(({ id }) => id)).toEqual([MODEL, 'openai/gpt-oss-120b']);
    expect(await client().models.retrieve(MODEL)).toMatchObject({
      id: MODEL,
      context_window: 131_072,
      pricing: { input_usd_per_million_tokens: '0.075' },
    });
  });

  it.each<[string, keyof typeof OpenAI & keyof typeof Groq, number, string, string, object]>([
    ['an unknown key', 'AuthenticationError', 401, 'nobody', 'invalid_api_key', {}],
    [
      'a model of another team',
      'PermissionDeniedError',
      403,
      'roomy',
      'model_not_allowed',
      { model: 'qwen/qwen3.6-27b' },
    ],
    ['a model that does not exist', 'NotFoundError', 404, 'roomy', 'model_not_found', { model: 'nothing' }],
    ['two choices', 'BadRequestError', 400, 'roomy', 'invalid_request', { n: 2 }],
    [
      "Groq's own refusal",
      'BadRequestError',
      400,
      'roomy',
      'groq_rejected',
      { messages: [{ role: 'user', content: '[fault:400]' }] },
    ],
    ['no budget', 'APIError', 402, 'broke', 'team_budget_exceeded', {}],
    [
      'a failing upstream',
      'InternalServerError',
      503,
      'roomy',
      'groq_unavailable',
      { messages: [{ role: 'user', content: '[fault:500]' }] },
    ],
  ])('gets its own exception class for %s', async (_what, errorClass, status, team, code, more) => {
    const key = team === 'nobody' ? `grk_test_${'0'.repeat(12)}_${'A'.repeat(43)}` : teamKey(team);
    const call = SDKS[name](key, { maxRetries: 0 }).chat.completions.create({ model: MODEL, messages, ...more });
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ERRORS[name][errorClass]);
    expect(error).toMatchObject({ status });
    // groq-sdk keeps the whole body, openai unwraps its error.
    expect(JSON.stringify((error as { error: unknown }).error)).toContain(`"code":"${code}"`);
  });

  it('gets the exact retry time with a rate limit refusal', async () => {
    const slow = client('slow', { maxRetries: 0 });
    const calls = await Promise.allSettled([1, 2].map(() => slow.chat.completions.create({ model: MODEL, messages })));
    const refused = calls.find((call) => call.status === 'rejected');
    expect(refused?.reason).toBeInstanceOf(ERRORS[name].RateLimitError);
    expect(Number(refused?.reason.headers.get('retry-after-ms'))).toBeGreaterThan(50_000);
  });

  it('does not retry a budget refusal with its default retry settings', async () => {
    let requests = 0;
    const counting = (...args: Parameters<typeof fetch>) => {
      requests++;
      return fetch(...args);
    };
    await expect(
      client('broke', { fetch: counting }).chat.completions.create({ model: MODEL, messages }),
    ).rejects.toMatchObject({ status: 402 });
    expect(requests).toBe(1);
  });
});

describe("the Vercel AI SDK's Groq provider", () => {
  const model = (team = 'roomy') =>
    createGroq({ baseURL: `${gateway.baseUrl}/openai/v1`, apiKey: teamKey(team) })(MODEL);

  it('generates and streams, and counts tokens', async () => {
    const { text, usage } = await generateText({ model: model(), prompt: 'Hello' });
    expect([text.includes('fake Groq'), usage.outputTokens]).toEqual([true, 24]);
    const streamed = streamText({ model: model(), prompt: 'Hello' });
    let all = '';
    for await (const part of streamed.textStream) all += part;
    expect([all.includes('fake Groq'), (await streamed.usage).outputTokens]).toEqual([true, 24]);
  });

  it('raises its own error class for a budget refusal, without a retry', async () => {
    const error = await generateText({ model: model('broke'), prompt: 'Hello' }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode: 402, isRetryable: false });
  });
});

describe("LangChain's ChatGroq", () => {
  const model = (team = 'roomy') => new ChatGroq({ model: MODEL, apiKey: teamKey(team), baseUrl: gateway.baseUrl });

  it('invokes, streams and binds tools', async () => {
    expect(String((await model().invoke([new HumanMessage('Hello')])).content)).toMatch(/fake Groq/);
    let all = '';
    for await (const chunk of await model().stream('Hello')) all += chunk.content;
    expect(all).toMatch(/fake Groq/);
    const answer = await model().bindTools([weather]).invoke('Hello');
    expect(answer.tool_calls?.[0]).toMatchObject({ name: 'weather', args: { city: 'fake' } });
  });

  it('does not retry a budget refusal', async () => {
    await expect(model('broke').invoke('Hello')).rejects.toMatchObject({ status: 402 });
  });
});

describe('curl', () => {
  it('chats and streams', async () => {
    const curl = async (...args: string[]) =>
      (await promisify(execFile)('curl', ['-sS', '-H', `Authorization: Bearer ${teamKey('roomy')}`, ...args])).stdout;
    const url = `${gateway.baseUrl}/openai/v1/chat/completions`;
    expect(JSON.parse(await curl(url, '-d', JSON.stringify({ model: MODEL, messages })))).toMatchObject({
      object: 'chat.completion',
    });
    expect(await curl('-N', url, '-d', JSON.stringify({ model: MODEL, messages, stream: true }))).toMatch(
      /data: \[DONE\]\n\n$/,
    );
  });
});
