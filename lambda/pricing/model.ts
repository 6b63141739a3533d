import type { PicoUsd } from '../kernel/money.ts';
import type { TextBound } from './token-bound.ts';

/** Groq's status of a model. */
type ModelStatus = 'production' | 'preview' | 'retired';

type ModelFacts = {
  readonly id: string;
  readonly status: ModelStatus;
  /** The day on which Groq stopped serving it, as YYYY-MM-DD. */
  readonly retiredOn?: string;
  readonly replacement?: string;
  /** The customers to whom Groq still serves a retired model. */
  readonly stillServedTo?: string;
  /** True if Groq documents the model and does not list it in `GET /models`. */
  readonly isUnlisted: boolean;
  /** See checkPriceJumps. */
  readonly priceConfirmedOn?: string;
};

/** A model for chat completions, priced per token. */
export type ChatModel = ModelFacts & {
  readonly kind: 'chat';
  readonly inputTokenPicoUsd: PicoUsd;
  readonly outputTokenPicoUsd: PicoUsd;
  /** The input price where the catalog has no price for cached input. */
  readonly cachedInputTokenPicoUsd: PicoUsd;
  /** Tokens. */
  readonly contextWindow: number;
  readonly maxOutputTokens: number;
  /** The rule by which a text bounds its tokens. */
  readonly textBound: TextBound;
  /** The maximum tokens that the chat template adds: once a request, and for each message. */
  readonly templateTokens: { readonly request: number; readonly message: number };
  /** True if it reads images. */
  readonly vision: boolean;
  /** Input tokens of an image; undefined: not known, so an image may fill the context window. */
  readonly imageTokens?: number;
  /** Images in a request. */
  readonly maxImages?: number;
};

/** A model that transcribes speech, priced per second of audio. */
export type TranscriptionModel = ModelFacts & {
  readonly kind: 'transcription';
  readonly audioHourPicoUsd: PicoUsd;
  readonly minimumBilledSeconds: number;
  /** True if it also translates. */
  readonly translations: boolean;
};

/** A model that speaks a text, priced per character. */
type SpeechModel = ModelFacts & {
  readonly kind: 'speech';
  readonly characterPicoUsd: PicoUsd;
  readonly maxInputCharacters: number;
};

/** A model with a price. */
export type Model = ChatModel | TranscriptionModel | SpeechModel;

/** True if Groq serves chat completions by this model. */
export function isServedChatModel(model: Model): boolean {
  return model.kind === 'chat' && model.status !== 'retired';
}
