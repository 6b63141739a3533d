import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildBody, promptFields } from '../../../../lambda/chat/request/build-body.ts';
import type { JsonObject } from '../../../../lambda/kernel/json/json-object.ts';
import { parseLossless } from '../../../../lambda/kernel/json/lossless-json.ts';
import { CHAT_FIELDS } from '../../../../lambda/pricing/chat-fields.ts';

const base = { model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'Hi' }] };
const refusal = (param: string, text: string) => ({
  reason: 'invalid_request',
  param,
  message: expect.stringContaining(text),
});

describe('a body for Groq', () => {
  it.each<[string, JsonObject]>([
    ['explicit nulls', { temperature: null, tools: null, logprobs: null, stop: null }],
    ['both output limits', { max_tokens: 5, max_completion_tokens: 6 }],
    [
      'a history with tools',
      {
        messages: [
          { role: 'developer', content: [{ type: 'text', text: 'Be brief' }] },
          { role: 'user', content: 'Weather?' },
          {
            role: 'assistant',
            content: null,
            reasoning: 'hm',
            tool_calls: [{ id: 'a', type: 'function', function: { name: 'w', arguments: '{"City":"Bonn"}' } }],
          },
          { role: 'tool', tool_call_id: 'a', name: 'w', content: 'rain' },
        ],
      },
    ],
    [
      'tools with a schema of any names',
      {
        tools: [
          { type: 'function', function: { name: 'f', strict: true, parameters: { Model: 1, Type: { tools: 2 } } } },
        ],
      },
    ],
    ['a tool to choose', { tool_choice: { type: 'function', function: { name: 'f' } } }],
    [
      'a JSON schema',
      { response_format: { type: 'json_schema', json_schema: { name: 's', schema: { Messages: {} } } } },
    ],
    ['metadata', { metadata: { Model: 'x' }, user: 'u', stream: true, stream_options: { include_usage: true } }],
  ])('keeps %s', (_what, fields) => {
    const given = { ...base, ...fields };
    const kept = Object.fromEntries(Object.entries(given).filter(([name]) => name !== 'logprobs'));
    expect(buildBody(given)).toEqual(kept);
  });

  it.each<[JsonObject, string, string]>([
    [{ Model: 'openai/gpt-oss-120b' }, 'Model', "did you mean 'model'?"],
    [{ Max_Completion_Tokens: 65_536 }, 'Max_Completion_Tokens', "did you mean 'max_completion_tokens'?"],
    [{ Tools: [{ type: 'browser_search' }] }, 'Tools', "did you mean 'tools'?"],
    [{ 'too\u212As': [] }, 'too\u212As', "property 'too\u212As' is unsupported"],
    [{ '\u017Ftream': true }, '\u017Ftream', "did you mean 'stream'?"],
    [{ messages: [{ role: 'user', content: 'a', Content: 'b' }] }, 'messages[0].Content', "did you mean 'content'?"],
    [{ messages: [{ role: 'user', Role: 'tool', content: 'b' }] }, 'messages[0].Role', "did you mean 'role'?"],
    [{ stream_options: { Include_Usage: false } }, 'stream_options.Include_Usage', 'include_usage'],
    [{ messages: [{ role: 'user', content: 'a', name: 'bob' }] }, 'messages[0].name', 'unsupported by Groq'],
    [
      { messages: [{ role: 'assistant', content: 'a', reasoning_content: 'b' }] },
      'messages[0].reasoning_content',
      'reasoning',
    ],
    [{ messages: [{ role: 'robot', content: 'a' }] }, 'messages[0].role', 'must be one of system, developer'],
    [
      { messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] },
      'messages[0].content[0].type',
      'must be one of',
    ],
    [{ messages: [{ role: 'user', content: { text: 'x' } }] }, 'messages[0].content', 'must be a list'],
    [{ messages: [{ role: 'user', content: ['x'] }] }, 'messages[0].content[0]', 'must be an object'],
    [{ logprobs: true }, 'logprobs', 'unsupported by Groq'],
    [{ logit_bias: {} }, 'logit_bias', 'unsupported by Groq'],
    [{ search_settings: {} }, 'search_settings', 'no budget could hold'],
    [{ compound_custom: { models: {} } }, 'compound_custom', 'no budget could hold'],
    [{ documents: [{ source: { type: 'text', text: 'x' } }] }, 'documents', 'Put the text into a message'],
    [{ temperature: { Model: 'x' } }, 'temperature', 'must not be an object'],
    [{ prompt_cache_key: 'x' }, 'prompt_cache_key', "property 'prompt_cache_key' is unsupported"],
    [
      { tools: [{ type: 'function', function: { name: 'f', Parameters: {} } }] },
      'tools[0].function.Parameters',
      'parameters',
    ],
  ])('refuses %j', (fields, param, text) => {
    expect(buildBody({ ...base, ...fields })).toMatchObject(refusal(param, text));
  });

  it('refuses each known name in any other case', () => {
    const known = fc.constantFrom(...Object.keys(CHAT_FIELDS));
    const flips = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(known, flips, (name, upper) => {
        const other = [...name].map((letter, index) => (upper[index] ? letter.toUpperCase() : letter)).join('');
        fc.pre(other !== name);
        expect(buildBody({ ...base, [other]: 1 })).toMatchObject({ reason: 'invalid_request', param: other });
        expect(buildBody({ ...base, [other]: 1 }, new Set([other]))).toMatchObject({ reason: 'invalid_request' });
      }),
    );
  });

  it('leaves out what is unknown and null', () => {
    expect(buildBody({ ...base, modalities: null, Model: null })).toEqual(base);
  });

  it('admits what an operator names, at its place only', () => {
    const passed = new Set(['new_field', 'messages[].cache_control']);
    const body = { ...base, new_field: { a: 1 }, messages: [{ role: 'user', content: 'x', cache_control: {} }] };
    expect(buildBody(body, passed)).toEqual(body);
    expect(buildBody({ ...base, cache_control: {} }, passed)).toMatchObject({ param: 'cache_control' });
  });

  it('is written digit for digit as the client wrote it', () => {
    const text = '{"model":"m","messages":[{"role":"user","content":"x"}],"seed":9007199254740993,"temperature":1.0}';
    expect(JSON.stringify(buildBody(parseLossless(text) as JsonObject))).toBe(text);
  });

  it('counts as prompt what Groq may read, and what is not known', () => {
    const fields = promptFields({ ...base, temperature: 1, user: 'u', tools: [], new_field: 1, response_format: {} });
    expect(Object.keys(fields)).toEqual(['messages', 'tools', 'new_field', 'response_format']);
  });
});
