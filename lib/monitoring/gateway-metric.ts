import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { DIMENSION, METRICS_NAMESPACE, type MetricName } from '../../lambda/telemetry/metrics.ts';

/** Period of alarms, which is the interval of the sweep. */
export const ALARM_PERIOD = Duration.minutes(5);

/** A metric of the gateway's own, of a whole environment or of one holder. */
export function gatewayMetric(
  environmentName: string,
  metricName: MetricName,
  statistic: string,
  holder?: string,
): Metric {
  const team = holder === undefined ? {} : { [DIMENSION.team]: holder };
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { [DIMENSION.environment]: environmentName, ...team },
    period: ALARM_PERIOD,
    statistic,
  });
}
