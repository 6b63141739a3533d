import { describe, expect, it } from 'vitest';
import type { Identity } from '../../../../lambda/access/identity.ts';
import { type BoundedCall, limitOutput, upstreamBody } from '../../../../lambda/chat/request/bounded-call.ts';
import { type ChatRequest, parseChatRequest } from '../../../../lambda/chat/request/chat-request.ts';
import { decide } from '../../../../lambda/chat/request/decide.ts';
import type { Refusal } from '../../../../lambda/kernel/refusals.ts';
import { catalog, policyWith } from '../../../support/catalog.ts';

const member: Identity = { keyId: 'k', role: 'member', team: 'chatbot' };
const hello = { model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'Hello' }] };
const passFields = new Set(['new_feature']);
const parse = (body: unknown) => parseChatRequest(JSON.stringify(body), passFields) as ChatRequest;
const decided = (body: object, policy: Record<string, unknown> = {}, identity = member) =>
  decide(identity, policyWith(policy), catalog, parse(body));

describe('decide', () => {
  it.each<[string, object, Record<string, unknown>, string, RegExp]>([
    [
      'a model of another team',
      { ...hello, model: 'openai/gpt-oss-120b' },
      {},
      'model_not_allowed',
      /may use: openai\/gpt-oss-20b/,
    ],
    [
      'a model that does not exist',
      { ...hello, model: 'openai/gpt-oss-20' },
      {},
      'model_not_found',
      /did you mean "openai\/gpt-oss-20b"\?/,
    ],
    [
      'a model whose nearest name is a retired one',
      { ...hello, model: 'llama-3.1-70b' },
      { allowedModels: ['openai/gpt-oss-20b', 'llama-3.1-8b-instant'] },
      'model_not_found',
      /does not exist\. Team "chatbot" may use: openai\/gpt-oss-20b\.$/,
    ],
    [
      'a model without a bounded price',
      { ...hello, model: 'groq/compound' },
      {},
      'model_not_priced',
      /no bounded price/,
    ],
    [
      'a retired model',
      { ...hello, model: 'llama-3.1-8b-instant' },
      { allowedModels: ['llama-3.1-8b-instant'] },
      'model_decommissioned',
      /2026-08-16. Use `openai\/gpt-oss-20b`/,
    ],
    [
      'a transcription model',
      { ...hello, model: 'whisper-large-v3' },
      { allowedModels: ['whisper-large-v3'] },
      'invalid_request',
      /transcribes/,
    ],
    [
      'a tool that is billed separately',
      { ...hello, tools: [{ type: 'browser_search' }] },
      {},
      'tool_not_priced',
      /built-in tools/,
    ],
    [
      'more output than the team allows',
      { ...hello, max_tokens: 513 },
      { maxTokensPerRequest: 512 },
      'max_tokens_exceeded',
      /limit of 512 a request for team "chatbot"/,
    ],
    [
      'more output than the model generates',
      { ...hello, max_tokens: 65_537 },
      {},
      'max_tokens_exceeded',
      /limit of 65536 a request for model/,
    ],
    [
      'a call that can never fit the tokens per minute',
      { ...hello, max_tokens: 6_000 },
      { rateLimitTpm: 6_000 },
      'request_exceeds_tpm',
      /has 6000 a minute/,
    ],
  ])('refuses %s', (_title, body, policy, reason, message) => {
    expect(decided(body, policy)).toMatchObject({ reason, message: expect.stringMatching(message) });
  });

  it('refuses a key that may only read usage', () => {
    expect(decided(hello, {}, { ...member, role: 'viewer' })).toMatchObject({ reason: 'forbidden' });
  });

  it("limits the output by the client's limit, or else the team's, or else the model's", () => {
    expect(decided({ ...hello, max_tokens: 10 })).toMatchObject({ maxOutputTokens: 10, hasRequestedMaxTokens: true });
    expect(decided({ ...hello, max_completion_tokens: 20, max_tokens: 10 })).toMatchObject({
      maxOutputTokens: 20,
      hasRequestedMaxTokens: true,
    });
    expect(decided({ ...hello, max_tokens: null }, { maxTokensPerRequest: 512 })).toMatchObject({
      maxOutputTokens: 512,
      hasRequestedMaxTokens: false,
    });
    expect(decided(hello)).toMatchObject({ maxOutputTokens: 65_536, hasRequestedMaxTokens: false });
  });

  it('chooses an output limit that fits a small limit of tokens per minute', () => {
    const call = decided(hello, { rateLimitTpm: 1_000 }) as BoundedCall;
    expect(call.maxInputTokens + call.maxOutputTokens).toBe(1_000);
  });

  it('replaces a retired model if the policy says so', () => {
    const call = decided(
      { ...hello, model: 'llama-3.1-8b-instant' },
      { allowedModels: ['llama-3.1-8b-instant', 'openai/gpt-oss-20b'], onRetiredModel: 'replace' },
    );
    expect(call).toMatchObject({ model: { id: 'openai/gpt-oss-20b' }, replacedModel: 'llama-3.1-8b-instant' });
    expect(upstreamBody(limitOutput(call as BoundedCall, 5))).toMatchObject({ model: 'openai/gpt-oss-20b' });
  });

  it('counts input by bytes, and content without bytes as the whole context window', () => {
    const short = decided(hello) as BoundedCall;
    const long = decided({ ...hello, messages: [{ role: 'user', content: 'ü'.repeat(1_000) }] }) as BoundedCall;
    expect(long.maxInputTokens - short.maxInputTokens).toBe(2_000 - 5);
    const image = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x/y.png' } }] };
    expect(decided({ ...hello, messages: [image] })).toMatchObject({ maxInputTokens: 131_072 });
  });

  it('counts tools, schemas and admitted fields as input', () => {
    const plain = decided(hello) as BoundedCall;
    for (const field of [
      { tools: [{ type: 'function', function: { name: 'f' } }] },
      { response_format: { type: 'json_object' } },
      { new_feature: 'x' },
    ]) {
      expect((decided({ ...hello, ...field }) as BoundedCall).maxInputTokens).toBeGreaterThan(plain.maxInputTokens);
    }
  });

  it('forwards known and admitted fields, limits the output and requests usage for a stream', () => {
    const body = {
      ...hello,
      max_tokens: 9,
      stream: true,
      temperature: null,
      service_tier: 'flex',
      new_feature: { a: 1 },
      stream_options: { include_usage: false },
    };
    expect(upstreamBody(decided(body) as BoundedCall)).toEqual({
      ...hello,
      stream: true,
      temperature: null,
      service_tier: 'flex',
      new_feature: { a: 1 },
      stream_options: { include_usage: true },
      max_completion_tokens: 9,
    });
  });
});

describe('parseChatRequest', () => {
  it.each<[string, string, string | undefined]>([
    ['{', 'not valid JSON', undefined],
    ['[]', 'must be a JSON object', undefined],
    ['"x"', 'must be a JSON object', undefined],
    ['{}', '"model" must be the id', 'model'],
    ['{"model":"m"}', '"messages" must be a list', 'messages'],
    ['{"model":"m","messages":[]}', '"messages" must be a list of at least one', 'messages'],
    ['{"model":"m","messages":["x"]}', '"messages" must be a list', 'messages'],
    ['{"model":"m","messages":[{}],"n":2}', '"n" must be 1', 'n'],
    ['{"model":"m","messages":[{}],"stream":"yes"}', '"stream" must be true or false', 'stream'],
    ['{"model":"m","messages":[{}],"tools":{}}', '"tools" must be a list', 'tools'],
    ['{"model":"m","messages":[{}],"max_tokens":-1}', '"max_tokens" must be a whole number', 'max_tokens'],
    [
      '{"model":"m","messages":[{}],"max_completion_tokens":1.5}',
      '"max_completion_tokens" must be',
      'max_completion_tokens',
    ],
    [`{"model":"m","messages":[${'{},'.repeat(140_000)}{}]}`, 'more than 262144 values', undefined],
    ['{"model":"m","messages":[{"role":"user"}],"Model":"x"}', "did you mean 'model'?", 'Model'],
    ['{"model":"m","messages":[{}],"max_tokens":1e30}', '"max_tokens" must be', 'max_tokens'],
    [`{"model":"m","messages":[{}],"x":${'['.repeat(101)}${']'.repeat(101)}}`, 'deeper than 100', undefined],
  ])('refuses %.40s and names the field', (text, message, param) => {
    const refusal = parseChatRequest(text) as Refusal;
    expect(refusal).toMatchObject({ reason: 'invalid_request', message: expect.stringContaining(message) });
    expect(refusal.param).toBe(param);
  });
});

describe('a key with its own scope', () => {
  const both = { allowedModels: ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'], rateLimitTpm: 50_000 };
  const withScope = (scope: NonNullable<Identity['scope']>) => ({ ...member, scope });

  it('may use only the models that both its scope and its team allow', () => {
    const scope = { models: ['openai/gpt-oss-20b', 'qwen/qwen3.6-27b'] };
    expect(decided(hello, both, withScope(scope))).toMatchObject({ model: { id: 'openai/gpt-oss-20b' } });
    for (const model of ['openai/gpt-oss-120b', 'qwen/qwen3.6-27b']) {
      expect(decided({ ...hello, model }, both, withScope(scope))).toMatchObject({
        reason: 'model_not_allowed',
        message: expect.stringContaining('This key may use: openai/gpt-oss-20b.'),
      });
    }
  });

  it('refuses a call that can never fit its own tokens per minute', () => {
    expect(decided({ ...hello, max_tokens: 512 }, both, withScope({ tpm: 600 }))).toMatchObject({
      reason: 'request_exceeds_tpm',
      message: expect.stringContaining('this key has 600 a minute'),
    });
    expect(decided(hello, both, withScope({ tpm: 600 }))).toMatchObject({ hasRequestedMaxTokens: false });
  });
});
