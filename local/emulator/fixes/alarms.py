"""CloudWatch alarms: dimensions, and evaluation of logged metrics."""

from ministack.services import cloudwatch

from . import replaces, uses

uses(
    cloudwatch,
    "_alarms",
    "_metrics",
    "_dims_key",
    "_calc_stats",
    "_stat_value",
    "_record_history",
    "_dispatch_alarm_actions",
    "_evaluate_parent_alarms",
)

BREACHES = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


@replaces(cloudwatch, "_evaluate_alarm")
def evaluate_alarm(evaluate, alarm, at=None):
    """AWS evaluates the series with an alarm's dimensions; ministack merges all series of the metric.

    `at` is the end of the evaluated periods. By default it is the time of the newest point.
    """
    dimensions = {entry["Name"]: entry["Value"] for entry in alarm.get("Dimensions") or []}
    points = cloudwatch._metrics.get((alarm.get("Namespace"), alarm.get("MetricName"), cloudwatch._dims_key(dimensions)))
    breaches = BREACHES.get(alarm.get("ComparisonOperator"))
    if breaches is None:
        return evaluate(alarm)
    if not points:
        return None
    end = max(point["Timestamp"] for point in points) if at is None else at
    start = end - alarm.get("Period", 60) * alarm.get("EvaluationPeriods", 1)
    recent = [point for point in points if start < point["Timestamp"] <= end]
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    value = cloudwatch._stat_value(cloudwatch._calc_stats(recent), statistic, recent) if recent else None
    if value is None:
        return None
    state = "ALARM" if breaches(value, float(alarm.get("Threshold", 0))) else "OK"
    before = alarm["StateValue"]
    if state == before:
        return None
    reason = f"Threshold Crossed: {statistic} {value} {alarm['ComparisonOperator']} {alarm.get('Threshold')}"
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(end))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    return cloudwatch._evaluate_parent_alarms(alarm)


def evaluate_alarms_on(series, at):
    """AWS evaluates alarms continuously; ministack only after PutMetricData, and not after logged metrics."""
    for alarm in list(cloudwatch._alarms.values()):
        if (alarm.get("Namespace"), alarm.get("MetricName")) in series:
            cloudwatch._evaluate_alarm(alarm, at=at)
