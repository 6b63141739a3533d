/** One thing that a deployment changed, and the consequence. */
export type Change = {
  /** Such as `team chatbot`, `model openai/gpt-oss-20b`, `organization` or `infrastructure`. */
  readonly subject: string;
  readonly field: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
};

/** Value of a field or resource that did not exist. */
export const ABSENT = '-';
