"""Functions' logs: metrics in them, and the time to wait for them."""

import json

from ministack.core import lambda_runtime
from ministack.services import cloudwatch, lambda_svc

from . import replaces, uses
from .alarms import evaluate_alarms_on

# Seconds to wait for the first line, for each further line, and in all. A later line is logged with the next invocation.
DRAIN_SECONDS = (0.003, 0.002, 0.250)

uses(cloudwatch, "record_metric", "_metric_bucket", "_dims_key")
uses(lambda_runtime.Worker, "_drain_stderr_bounded")


def shorten_drain():
    """AWS responds when the handler returns; ministack waits 50 ms for the logs of one that logs nothing."""
    drain = getattr(lambda_runtime.Worker, "_drain_stderr_bounded", None)
    if drain is not None:
        drain.__defaults__ = DRAIN_SECONDS


@replaces(lambda_svc, "_emit_lambda_logs")
def emit_logs(emit, function, request_id, log_text, *args, **options):
    """AWS turns lines in the embedded metric format into metrics; ministack only logs them."""
    for line in (log_text or "").splitlines():
        start = line.find("{")
        if start >= 0 and '"_aws"' in line:
            try:
                _record(json.loads(line[start:]))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                lambda_svc.logger.warning("no metrics in %r: %r", line[:200], error)
    return emit(function, request_id, log_text, *args, **options)


def _record(record):
    at = record["_aws"]["Timestamp"] / 1000
    series = set()
    for directive in record["_aws"]["CloudWatchMetrics"]:
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(record[name]) for name in names if name in record}
            for metric in directive["Metrics"]:
                found = record.get(metric["Name"])
                for value in found if isinstance(found, list) else [found]:
                    if isinstance(value, (int, float)):
                        unit = metric.get("Unit", "None")
                        _record_at(at, directive["Namespace"], metric["Name"], value, unit, dimensions)
                        series.add((directive["Namespace"], metric["Name"]))
    evaluate_alarms_on(series, at)


def _record_at(at, namespace, name, value, unit, dimensions):
    # AWS uses the timestamp in the line; ministack the time of arrival.
    cloudwatch.record_metric(namespace, name, value, unit, dimensions)
    bucket = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dimensions)))
    if bucket:
        bucket[-1]["Timestamp"] = at
