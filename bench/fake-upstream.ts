import { startFakeGroq } from '../local/fake-groq/server.ts';

// A process of its own, so that the upstream's work is not counted as the gateway's.
const fake = await startFakeGroq({});
console.log(fake.baseUrl);
