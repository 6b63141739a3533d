import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import type { GroqKeyNews } from '../../../../lambda/groq-keys/groq-key-news.ts';
import { AwsGroqKeyHerald } from '../../../../lambda/groq-keys/io/groq-key-herald.ts';

const NEWS: GroqKeyNews = {
  kind: 'promoted',
  team: 'chatbot',
  atEpochMs: Date.UTC(2026, 10, 25, 12),
  keyId: 'aaaaaaaaaaaa',
  keyName: 'chatbot-prod-2026-11',
  lines: ['Team chatbot now uses another key.'],
};

/** A herald over clients that write down what they are sent. */
function heraldOf(failed = 0) {
  const sent: { readonly input: Record<string, unknown> }[] = [];
  const told: unknown[] = [];
  const send = async (command: { readonly input: Record<string, unknown> }) => {
    sent.push(command);
    return { FailedEntryCount: failed };
  };
  const herald = new AwsGroqKeyHerald({
    events: { send } as unknown as EventBridgeClient,
    objects: { send } as unknown as S3Client,
    topic: { tell: async (subject, lines) => void told.push([subject, ...lines]) },
    bucket: 'reports',
    environmentName: 'prod',
  });
  return { herald, sent, told };
}

it('tells news as an event that rules can match, and to the operators', async () => {
  const { herald, sent, told } = heraldOf();
  await herald.tell(NEWS);
  const [entry = {}] = (sent[0]?.input.Entries ?? []) as readonly Record<string, string>[];
  expect(entry).toMatchObject({ Source: 'groq-gateway', DetailType: 'Groq key rotation' });
  expect(JSON.parse(entry.Detail ?? '')).toEqual({
    environment: 'prod',
    kind: 'promoted',
    team: 'chatbot',
    keyId: 'aaaaaaaaaaaa',
    keyName: 'chatbot-prod-2026-11',
    at: '2026-11-25T12:00:00Z',
  });
  expect(told).toEqual([['Groq gateway prod: Groq key of chatbot', 'Team chatbot now uses another key.']]);
});

it('fails where EventBridge takes no event, so that it is told again', async () => {
  const { herald, told } = heraldOf(1);
  await expect(herald.tell(NEWS)).rejects.toThrow('cannot send an event');
  expect(told).toEqual([]);
});

it('keeps a report in the bucket, and says where', async () => {
  const { herald, sent } = heraldOf();
  expect(await herald.keep('groq-keys/chatbot/x.md', '# Report')).toBe('s3://reports/groq-keys/chatbot/x.md');
  expect(sent[0]?.input).toMatchObject({ Bucket: 'reports', Key: 'groq-keys/chatbot/x.md', Body: '# Report' });
});
