import { startFakeGroq } from '../local/fake-groq/server.ts';

// A separate process, so that the upstream's CPU time does not count as the gateway's.
const fake = await startFakeGroq({});
console.log(fake.baseUrl);
