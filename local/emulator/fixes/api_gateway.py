"""REST APIs: the authorizer's usage key, responses to failed functions, and the size limit."""

import contextvars
import json

from ministack.services import apigateway_v1 as gateway

from . import handles, replaces, uses

# Read in API Gateway's quotas on 2026-11-25.
MAX_REQUEST_BYTES = 10_485_760
# Passed in the authorizer's context, because ministack's cache of authorizer results contains only that.
CONTEXT_KEY = "__usageIdentifierKey"

_usage_key = contextvars.ContextVar("usage_key", default=None)
uses(gateway, "_GatewayError", "_rest_apis", "_stages_v1")


class LambdaFailure(Exception):
    """A function that could not be invoked (500) or failed (502)."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status

    def gateway_error(self):
        """Returns API Gateway's own error, which is rendered by the API's gateway response."""
        error = gateway._GatewayError("DEFAULT_5XX", "Internal server error")
        error.status = self.status
        return error


@handles("AWS::ApiGateway::RestApi", "create")
def create_rest_api(create, logical_id, props, stack_name):
    """AWS applies ApiKeySourceType at creation; ministack only at an update."""
    api_id, attributes = create(logical_id, props, stack_name)
    if props.get("ApiKeySourceType") and api_id in gateway._rest_apis:
        gateway._rest_apis[api_id]["apiKeySource"] = props["ApiKeySourceType"]
    return api_id, attributes


@replaces(gateway, "_invoke_authorizer_lambda")
async def invoke_authorizer(invoke, authorizer, event, account_id, region):
    """AWS caches the authorizer's usageIdentifierKey; ministack drops it."""
    result = await invoke(authorizer, event, account_id, region)
    body = (result or {}).get("body")
    body = json.loads(body) if isinstance(body, (str, bytes)) else body
    if isinstance(body, dict) and body.get("usageIdentifierKey"):
        context = {**(body.get("context") or {}), CONTEXT_KEY: body["usageIdentifierKey"]}
        return {**result, "body": {**body, "context": context}}
    return result


@replaces(gateway, "_authorize_request_v1")
async def authorize(authorize_request, *args, **options):
    """Removes the usage key from the authorizer's context, which the handler receives."""
    _usage_key.set(None)
    error, context = await authorize_request(*args, **options)
    if context and CONTEXT_KEY in context:
        context = dict(context)
        _usage_key.set(context.pop(CONTEXT_KEY))
    return error, context


@replaces(gateway, "_check_api_key")
def check_api_key(check, method, api_id, stage_name, headers):
    """With the key source AUTHORIZER, AWS uses the authorizer's key; ministack always the header x-api-key."""
    if (gateway._rest_apis.get(api_id) or {}).get("apiKeySource") == "AUTHORIZER":
        headers = {name: value for name, value in headers.items() if name.lower() != "x-api-key"}
        if _usage_key.get():
            headers["x-api-key"] = _usage_key.get()
    return check(method, api_id, stage_name, headers)


@replaces(gateway, "_execute_in_scope")
async def execute(execute_request, request, api_id, stage_name, method, path, headers, body, *rest):
    """AWS rejects a body of more than 10 MiB with the gateway response REQUEST_TOO_LARGE; ministack accepts any."""
    stage = gateway._stages_v1.get(api_id, {}).get(stage_name)
    if stage and len(body or b"") > MAX_REQUEST_BYTES:
        request["stage"] = stage
        return gateway._GatewayError("REQUEST_TOO_LARGE", f"HTTP content length exceeded {MAX_REQUEST_BYTES} bytes.")
    return await execute_request(request, api_id, stage_name, method, path, headers, body, *rest)


@replaces(gateway, "_lambda_proxy_response")
def lambda_proxy_response(shape, result):
    """AWS hides a function's failure; ministack returns its stack trace instead of a gateway response."""
    if result.get("throttle"):
        raise LambdaFailure(500)
    if result.get("error"):
        raise LambdaFailure(502)
    return shape(result)


@replaces(gateway, "_gateway_error_response")
def gateway_error_response(render, error, request):
    """Sets the status of a failed function: DEFAULT_5XX has no status of its own, and ministack uses 500."""
    status, headers, body = render(error, request)
    return (getattr(error, "status", status) if status == 500 else status), headers, body
