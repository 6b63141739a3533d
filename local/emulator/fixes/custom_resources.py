"""Custom resources: the Delete event after a failed Create."""

import logging

from ministack.services.cloudformation import custom_resource

from . import replaces

logger = logging.getLogger("cloudformation")

# Physical ids of resources that answered FAILED, by stack and logical id.
_failed_ids: dict[tuple, str] = {}


@replaces(custom_resource, "deliver_response")
def deliver_response(deliver, token, response):
    """Keeps the physical id of a failure, which ministack drops."""
    if response.get("Status") == "FAILED" and response.get("PhysicalResourceId"):
        _failed_ids[response.get("StackId"), response.get("LogicalResourceId")] = response["PhysicalResourceId"]
    return deliver(token, response)


@replaces(custom_resource, "invoke_custom_resource")
def invoke(send, request_type, logical_id, props, stack_name, stack_id, *rest, **options):
    """On rollback, AWS sends Delete to a resource whose Create failed; ministack never does. Here it is sent at once."""
    key = (stack_id, logical_id)
    _failed_ids.pop(key, None)
    try:
        return send(request_type, logical_id, props, stack_name, stack_id, *rest, **options)
    except RuntimeError:
        physical_id = _failed_ids.pop(key, None)
        if request_type == "Create" and physical_id:
            try:
                send("Delete", logical_id, props, stack_name, stack_id, *rest, physical_id=physical_id)
            except (RuntimeError, TimeoutError) as error:
                logger.error("Delete of %s, which could not be created, failed: %s", logical_id, error)
        raise
