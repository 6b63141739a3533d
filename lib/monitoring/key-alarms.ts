import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC } from '../../lambda/telemetry/metrics.ts';
import { type AlarmEntry, DAILY_PERIOD, functionErrors, ownMetric } from './alarm-entry.ts';
import { gatewayMetric } from './gateway-metric.ts';

/** Alarms of Groq keys and of services' team keys. */
export const KEY_ALARMS: readonly AlarmEntry[] = [
  {
    what: 'groq-key-refused',
    threshold: 1,
    metric: ownMetric(METRIC.groqKeysRefused),
    meaning: "Groq rejected a team's key (401).",
    remedy: "Find the team in the gateway's log; put a valid key into its secret.",
  },
  {
    what: 'groq-blocked',
    threshold: 1,
    metric: ownMetric(METRIC.groqBlocked),
    meaning: "Groq's own spend limit blocks every team.",
    remedy: "Raise it in Groq's console.",
  },
  {
    what: 'retirement-errors',
    threshold: 1,
    metric: functionErrors('retirement'),
    meaning: 'Replaced keys were not retired, or the notification was not sent.',
    remedy: 'Check its log.',
  },
  {
    what: 'rotation-errors',
    threshold: 1,
    metric: functionErrors('rotation'),
    meaning: "A team's service key was not rotated.",
    remedy: 'Check its log.',
  },
  {
    what: 'groq-key-rotation-errors',
    threshold: 1,
    metric: functionErrors('groqRotation'),
    meaning: "A team's Groq key was not rotated, monitored or retired; the current one stays in use.",
    remedy: 'Check its log.',
  },
  {
    what: 'staged-key-missing',
    threshold: 1,
    metric: ownMetric(METRIC.stagedKeysMissing),
    meaning: 'A Groq key is due for rotation, but its team has no staged key.',
    remedy: 'Stage one: groq-rbac groq-key stage.',
  },
  {
    what: 'catalog-differences',
    threshold: 1,
    metric: ({ environmentName }) =>
      gatewayMetric(environmentName, METRIC.catalogDifferences, Stats.MAXIMUM).with({ period: DAILY_PERIOD }),
    meaning: "The catalog of models differs from Groq's own list.",
    remedy: 'Run groq-rbac catalog diff and correct config/catalog.json.',
  },
  {
    what: 'groq-key-missing',
    threshold: 1,
    metric: ownMetric(METRIC.groqKeysMissing),
    meaning: 'Calls were refused because their team has no Groq key.',
    remedy: 'Set one: groq-rbac groq-key set.',
  },
];
