import { isObject, type JsonObject } from '../../lambda/kernel/json/json-object.ts';
import type { ModelCount } from './served-counts.ts';

/** The fake's completion of a request; the same body always gets the same completion. */
export type Completion = {
  readonly model: string;
  readonly pieces: readonly string[];
  readonly toolCall: { readonly name: string; readonly arguments: string } | undefined;
  readonly finishReason: 'stop' | 'length' | 'tool_calls';
  readonly tokens: Omit<ModelCount, 'requests'>;
};

/** The default length of an answer, in tokens; the marker `[tokens:N]` in a message sets another. */
const DEFAULT_ANSWER_TOKENS = 24;
const MAX_PIECES = 200;
const WORDS = ['This', 'is', 'the', 'fake', 'Groq', 'and', 'it', 'answers', 'without', 'thinking', 'at', 'all.'];

/** The text of all messages, which may contain markers. */
export function messageText(body: JsonObject): string {
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : [];
  return messages
    .map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content ?? '')))
    .join('\n');
}

/** Builds the completion of a request body. */
export function buildCompletion(body: JsonObject, model: string): Completion {
  const text = messageText(body);
  const wanted = readMarker(text, 'tokens') ?? DEFAULT_ANSWER_TOKENS;
  const cap = Number(body.max_completion_tokens ?? body.max_tokens ?? Number.POSITIVE_INFINITY);
  const completionTokens = Math.max(1, Math.min(wanted, cap));
  const promptTokens = countPromptTokens(body);
  const toolCall = buildToolCall(body);
  const content = toolCall === undefined ? buildContent(body, completionTokens) : [];
  return {
    model,
    pieces: content,
    toolCall,
    finishReason: toolCall === undefined ? (wanted > cap ? 'length' : 'stop') : 'tool_calls',
    tokens: {
      promptTokens,
      cachedTokens: Math.min(readMarker(text, 'cached') ?? 0, promptTokens),
      completionTokens,
      reasoningTokens: Math.min(readMarker(text, 'reasoning') ?? 0, completionTokens),
    },
  };
}

/** Groq's `usage` object. */
export function toUsage({ tokens }: Completion): JsonObject {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = tokens;
  return {
    queue_time: 0.01,
    prompt_tokens: promptTokens,
    prompt_time: promptTokens / 10_000,
    completion_tokens: completionTokens,
    completion_time: completionTokens / 500,
    total_tokens: promptTokens + completionTokens,
    total_time: promptTokens / 10_000 + completionTokens / 500,
    ...(cachedTokens === 0 ? {} : { prompt_tokens_details: { cached_tokens: cachedTokens } }),
    ...(reasoningTokens === 0 ? {} : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}

function countPromptTokens(body: JsonObject): number {
  const messages = Array.isArray(body.messages) ? body.messages : [];
  const tools = Array.isArray(body.tools) ? Math.ceil(Buffer.byteLength(JSON.stringify(body.tools)) / 4) : 0;
  const bytes = messages.map((message: unknown) =>
    Buffer.byteLength(
      isObject(message) && typeof message.content === 'string' ? message.content : JSON.stringify(message),
    ),
  );
  return 20 + tools + bytes.reduce((sum, length) => sum + Math.ceil(length / 4) + 4, 0);
}

function readMarker(text: string, name: string): number | undefined {
  const found = new RegExp(`\\[${name}:(\\d+)\\]`).exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

function buildContent(body: JsonObject, completionTokens: number): readonly string[] {
  const format = isObject(body.response_format) ? body.response_format : {};
  if (format.type === 'json_object') return ['{"answer":', '"fake"}'];
  if (format.type === 'json_schema') {
    const schema = isObject(format.json_schema) && isObject(format.json_schema.schema) ? format.json_schema.schema : {};
    return [JSON.stringify(buildExample(schema))];
  }
  const words = Array.from(
    { length: completionTokens },
    (_, index) => `${index === 0 ? '' : ' '}${WORDS[index % WORDS.length]}`,
  );
  const size = Math.ceil(words.length / MAX_PIECES);
  return Array.from({ length: Math.ceil(words.length / size) }, (_, index) =>
    words.slice(index * size, (index + 1) * size).join(''),
  );
}

function buildToolCall(body: JsonObject): Completion['toolCall'] {
  const last: unknown = Array.isArray(body.messages) ? body.messages.at(-1) : undefined;
  const tool: unknown = Array.isArray(body.tools) ? body.tools[0] : undefined;
  if (body.tool_choice === 'none' || !isObject(last) || last.role !== 'user') return undefined;
  if (!isObject(tool) || !isObject(tool.function)) return undefined;
  const parameters = isObject(tool.function.parameters) ? tool.function.parameters : {};
  return { name: String(tool.function.name), arguments: JSON.stringify(buildExample(parameters)) };
}

/** Builds a value that a simple JSON schema accepts. */
function buildExample(schema: JsonObject): unknown {
  if (Array.isArray(schema.enum)) return schema.enum[0];
  switch (schema.type) {
    case 'string':
      return 'fake';
    case 'number':
    case 'integer':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return [];
    default: {
      const properties = isObject(schema.properties) ? schema.properties : {};
      return Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, buildExample(isObject(property) ? property : {})]),
      );
    }
  }
}
