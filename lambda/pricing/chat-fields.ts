/**
 * The fields of a chat completion, as groq-sdk 1.6.0 types them and console.groq.com/docs/api-reference and
 * /docs/openai describe them (read 2026-11-30). Whatever is sent upstream is built from these, by exact name.
 */

/** The part that a field plays in a call's bounds: its bytes count, it sets a price or a limit, or it does not count. */
export type FieldUse = 'prompt' | 'sampling' | 'transport' | 'money';

/** A field that is passed on. */
type PassedField = { readonly use: FieldUse; readonly value: FieldValue };
/** A field that is known and never passed on, with the reason that completes "property 'x' …". */
type RefusedField = { readonly refused: string };

/** One field of an object. */
export type Field = PassedField | RefusedField;
/** The fields of an object, by name. */
export type Fields = { readonly [name: string]: Field };

/** The values that a field may have, as far as names matter. Groq validates the types of plain values. */
export type FieldValue =
  /** Text, a number, true, false or null. */
  | 'plain'
  /** Anything: names in it mean nothing to Groq, such as those of a JSON schema. */
  | 'free'
  | { readonly object: Fields }
  | { readonly list: FieldValue }
  /** An object whose fields depend on the value of one of them; `isOpen` leaves other values to be judged elsewhere. */
  | { readonly by: string; readonly variants: { readonly [value: string]: Fields }; readonly isOpen?: true }
  /** A plain value, or else the other. */
  | { readonly plainOr: FieldValue };

const prompt = (value: FieldValue = 'plain'): Field => ({ use: 'prompt', value });
const sampling = (value: FieldValue = 'plain'): Field => ({ use: 'sampling', value });
const transport = (value: FieldValue = 'plain'): Field => ({ use: 'transport', value });
const money: Field = { use: 'money', value: 'plain' };
const unsupported: Field = { refused: 'is unsupported by Groq' };
const unpriced = (why: string): Field => ({ refused: `is not supported, since no budget could hold: ${why}` });

const functionCall = { object: { name: prompt(), arguments: prompt() } };
const functionDefinition = {
  name: prompt(),
  description: prompt(),
  parameters: prompt('free'),
  strict: sampling(),
};

const contentPart: FieldValue = {
  by: 'type',
  variants: {
    text: { type: prompt(), text: prompt() },
    image_url: { type: prompt(), image_url: prompt({ object: { url: prompt(), detail: sampling() } }) },
    document: { type: prompt(), document: prompt({ object: { data: prompt('free'), id: prompt() } }) },
  },
};
const content = prompt({ plainOr: { list: contentPart } });
const toolCalls = prompt({ list: { object: { id: prompt(), type: prompt(), function: prompt(functionCall) } } });

const message: FieldValue = {
  by: 'role',
  variants: {
    system: { role: prompt(), content, name: unsupported },
    developer: { role: prompt(), content, name: unsupported },
    user: { role: prompt(), content, name: unsupported },
    assistant: {
      role: prompt(),
      content,
      reasoning: prompt(),
      tool_calls: toolCalls,
      function_call: prompt(functionCall),
      name: unsupported,
    },
    // Groq's own tool-use guide (console.groq.com/docs/tool-use, read 2026-11-30) sends a name here.
    tool: { role: prompt(), content, tool_call_id: prompt(), name: prompt() },
    function: { role: prompt(), content, name: prompt() },
  },
};

/** The body of `POST /openai/v1/chat/completions`. */
export const CHAT_FIELDS: Fields = {
  model: money,
  messages: prompt({ list: message }),
  max_tokens: money,
  max_completion_tokens: money,
  n: money,
  service_tier: money,
  temperature: sampling(),
  top_p: sampling(),
  frequency_penalty: sampling(),
  presence_penalty: sampling(),
  seed: sampling(),
  stop: sampling({ plainOr: { list: 'plain' } }),
  reasoning_effort: sampling(),
  reasoning_format: sampling(),
  include_reasoning: sampling(),
  parallel_tool_calls: sampling(),
  disable_tool_validation: sampling(),
  response_format: prompt({
    object: {
      type: prompt(),
      json_schema: prompt({
        object: { name: prompt(), description: prompt(), schema: prompt('free'), strict: sampling() },
      }),
    },
  }),
  // Tools of other types are refused by `decide`, as a matter of their price.
  tools: prompt({
    list: {
      by: 'type',
      variants: { function: { type: prompt(), function: prompt({ object: functionDefinition }) } },
      isOpen: true,
    },
  }),
  tool_choice: prompt({
    plainOr: { object: { type: prompt(), function: prompt({ object: { name: prompt() } }) } },
  }),
  functions: prompt({ list: { object: functionDefinition } }),
  function_call: prompt({ plainOr: { object: { name: prompt() } } }),
  stream: transport(),
  stream_options: transport({ object: { include_usage: transport() } }),
  user: transport(),
  metadata: transport('free'),
  store: transport(),
  logprobs: unsupported,
  top_logprobs: unsupported,
  logit_bias: unsupported,
  search_settings: unpriced('it belongs to search tools, which Groq bills by use'),
  include_domains: unpriced('it belongs to search tools, which Groq bills by use'),
  exclude_domains: unpriced('it belongs to search tools, which Groq bills by use'),
  compound_custom: unpriced('it belongs to Compound, whose tools Groq bills by use'),
  documents: unpriced('Groq states no price for retrieval over documents. Put the text into a message'),
  citation_options: unpriced('it belongs to documents, for which Groq states no price'),
};
