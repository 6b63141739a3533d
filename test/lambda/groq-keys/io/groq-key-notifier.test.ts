import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import type { GroqKeyEvent } from '../../../../lambda/groq-keys/groq-key-events.ts';
import { AwsGroqKeyNotifier } from '../../../../lambda/groq-keys/io/groq-key-notifier.ts';

const EVENT: GroqKeyEvent = {
  kind: 'promoted',
  team: 'chatbot',
  atEpochMs: Date.UTC(2026, 10, 25, 12),
  keyId: 'aaaaaaaaaaaa',
  keyName: 'chatbot-prod-2026-11',
  lines: ['Team chatbot now uses another key.'],
};

/** Creates a notifier over clients that record what they are sent. */
function createNotifier(failed = 0) {
  const sent: { readonly input: Record<string, unknown> }[] = [];
  const messages: unknown[] = [];
  const send = async (command: { readonly input: Record<string, unknown> }) => {
    sent.push(command);
    return { FailedEntryCount: failed };
  };
  const notifier = new AwsGroqKeyNotifier({
    events: { send } as unknown as EventBridgeClient,
    objects: { send } as unknown as S3Client,
    topic: { notify: async (subject, lines) => void messages.push([subject, ...lines]) },
    bucket: 'reports',
    environmentName: 'prod',
  });
  return { notifier, sent, messages };
}

it('sends a notification as an EventBridge event and as a message to operators', async () => {
  const { notifier, sent, messages } = createNotifier();
  await notifier.notify(EVENT);
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
  expect(messages).toEqual([['Groq gateway prod: Groq key of chatbot', 'Team chatbot now uses another key.']]);
});

it('fails when EventBridge rejects the event, so that a retry sends it again', async () => {
  const { notifier, messages } = createNotifier(1);
  await expect(notifier.notify(EVENT)).rejects.toThrow('cannot send an event');
  expect(messages).toEqual([]);
});

it('stores a report in the bucket and returns its location', async () => {
  const { notifier, sent } = createNotifier();
  expect(await notifier.saveReport('groq-keys/chatbot/x.md', '# Report')).toBe('s3://reports/groq-keys/chatbot/x.md');
  expect(sent[0]?.input).toMatchObject({ Bucket: 'reports', Key: 'groq-keys/chatbot/x.md', Body: '# Report' });
});

it('sends differences of the catalog as one event and one message', async () => {
  const { notifier, sent, messages } = createNotifier();
  const difference = { model: 'lab/x', field: 'listed', catalog: 'yes', groq: 'no' };
  await notifier.notifyDifferences([difference], EVENT.atEpochMs);
  const [entry = {}] = (sent[0]?.input.Entries ?? []) as readonly Record<string, string>[];
  expect(entry).toMatchObject({ Source: 'groq-gateway', DetailType: 'Catalog differs' });
  expect(JSON.parse(entry.Detail ?? '')).toEqual({
    environment: 'prod',
    kind: 'catalog_differs',
    differences: [difference],
    at: '2026-11-25T12:00:00Z',
  });
  expect(messages).toEqual([
    [
      "Groq gateway prod: the catalog differs from Groq's list of models",
      'lab/x: listed is yes in the catalog, no at Groq',
      'Compare them: npx groq-rbac catalog diff --env prod. Runbook: docs/operations.md#catalog-differences',
    ],
  ]);
});
