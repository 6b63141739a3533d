import { expect, it } from 'vitest';
import { parseChatRequest } from '../../../../lambda/chat/request/chat-request.ts';

const parse = (service_tier: unknown) =>
  parseChatRequest(
    JSON.stringify({ model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'Hi' }], service_tier }),
  );

it.each([undefined, null, 'on_demand', 'auto', 'flex'])('passes service tier %s, which has a price', (tier) => {
  const request = parse(tier);
  expect('reason' in request ? request : request.body.service_tier).toBe(tier);
});

it.each(['performance', 'priority', 'default', 'Flex', 'flex ', '', 1, true, ['flex'], {}])(
  'refuses service tier %j, which has no known price',
  (tier) => {
    const refusal = parse(tier);
    expect(refusal).toMatchObject({ reason: 'invalid_request', param: 'service_tier' });
    expect(JSON.stringify(refusal)).toContain('on_demand, auto, flex');
  },
);
