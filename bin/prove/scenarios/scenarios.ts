import { CAP_SCENARIO } from './cap-scenario.ts';
import { CLIENT_SCENARIOS } from './client-scenarios.ts';
import { KILL_SCENARIO } from './kill-scenario.ts';
import { ROLLOVER_SCENARIO } from './rollover-scenario.ts';
import type { Scenario } from './scenario.ts';

/** All scenarios, in the order of the report. */
export const SCENARIOS: readonly Scenario[] = [...CLIENT_SCENARIOS, CAP_SCENARIO, KILL_SCENARIO, ROLLOVER_SCENARIO];
