"""IAM: the condition keys dynamodb:LeadingKeys, aws:SecureTransport, events:source and events:detail-type."""

import json
import re

from ministack import app
from ministack.core import iam_actions
from ministack.services import dynamodb

from . import replaces, uses

EQUALS = re.compile(r"([#\w.-]+)\s*=\s*(:\w+)")

uses(dynamodb, "_tables")


@replaces(iam_actions, "dynamodb_service_context")
def dynamodb_context(build, body):
    """AWS knows a request's partition keys; ministack does not, so ForAllValues would match any request.

    The keys of a transaction are merged over all its tables.
    """
    context = build(body)
    try:
        keys = sorted(set(_leading_keys(json.loads(body or b"{}"))))
    except (ValueError, TypeError, AttributeError):
        return context
    return {**context, "dynamodb:LeadingKeys": keys} if keys else context


@replaces(iam_actions, "request_tag_context")
def events_context(build, service, iam_action, body, params):
    """AWS knows the source and type of events; ministack does not, so a permission for some events allows none."""
    context = build(service, iam_action, body, params)
    if iam_action != "events:PutEvents":
        return context
    entries = json.loads(body or b"{}").get("Entries") or []
    for key, name in {"events:source": "Source", "events:detail-type": "DetailType"}.items():
        values = {str(entry.get(name)) for entry in entries}
        # With several values, StringEquals without ForAllValues never matches on AWS.
        if len(values) == 1:
            context = {**context, key: values.pop()}
    return context


@replaces(app, "pin_request_origin")
def pin_origin(pin, source_ip, _secure_transport):
    """Marks requests as TLS: the emulator has none and listens on loopback, and policies that require TLS would deny them."""
    return pin(source_ip, True)


def _leading_keys(request):
    name = request.get("TableName")
    if name and "KeyConditionExpression" in request:
        yield from _queried(name, request)
    elif name:
        yield from _named(name, request.get("Key") or request.get("Item"))
    for name, entry in (request.get("RequestItems") or {}).items():
        if isinstance(entry, dict):
            for key in entry.get("Keys", ()):
                yield from _named(name, key)
            continue
        for write in entry:
            for operation in write.values():
                yield from _named(name, operation.get("Key") or operation.get("Item"))
    for item in request.get("TransactItems") or ():
        for operation in item.values():
            yield from _leading_keys(operation)


def _named(table_name, item):
    value = (item or {}).get(_partition_key(table_name))
    if value:
        yield str(next(iter(value.values())))


def _queried(table_name, request):
    partition_key = _partition_key(table_name, request.get("IndexName"))
    names = request.get("ExpressionAttributeNames") or {}
    for name, placeholder in EQUALS.findall(request["KeyConditionExpression"]):
        if names.get(name, name) == partition_key:
            value = request.get("ExpressionAttributeValues", {}).get(placeholder, {})
            yield from (str(content) for content in value.values())


def _partition_key(table_name, index_name=None):
    table = dynamodb._tables.get(table_name.rsplit("/", 1)[-1]) or {}
    schemas = [table.get("KeySchema") or []]
    if index_name:
        indexes = (table.get("GlobalSecondaryIndexes") or []) + (table.get("LocalSecondaryIndexes") or [])
        schemas = [index["KeySchema"] for index in indexes if index["IndexName"] == index_name]
    return next((key["AttributeName"] for schema in schemas for key in schema if key["KeyType"] == "HASH"), None)
