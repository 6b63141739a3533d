"""Response streaming: API Gateway's STREAM integration, and the `awslambda` global that Lambda's Node runtime has."""

import asyncio
import json
import os
import tempfile
import uuid

from ministack.core import lambda_runtime
from ministack.core.responses import StreamingResponse
from ministack.services import apigateway_v1 as gateway

from . import replaces, uses
from .api_gateway import LambdaFailure

STREAM_URI = "/response-streaming-invocations"
SEPARATOR = b"\0" * 8
MAX_PRELUDE_BYTES = 65_536
CHUNK_BYTES = 65_536
# Event field with the socket to which awslambda.cjs sends the response. The handler never sees it.
SOCKET_FIELD = "__responseSocket"
POLYFILL = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "awslambda.cjs")

uses(lambda_runtime, "_NODEJS_WORKER_SCRIPT")
uses(gateway, "_build_lambda_event_v1", "_call_lambda_raw")


def load_polyfill():
    """AWS defines `awslambda` before it loads a function's module; ministack does not.

    The worker's script loads it. NODE_OPTIONS would not do, because a function may set that itself.
    """
    script = getattr(lambda_runtime, "_NODEJS_WORKER_SCRIPT", "")
    lambda_runtime._NODEJS_WORKER_SCRIPT = f"require({json.dumps(POLYFILL)});\n{script}"


@replaces(gateway, "_extract_lambda_ref_from_integration_uri")
def lambda_reference(extract, uri):
    """AWS invokes the function of a streaming URI; ministack does not know that URI."""
    return extract((uri or "").replace(STREAM_URI, "/invocations"))


@replaces(gateway, "_invoke_lambda_proxy_v1")
async def invoke_proxy(invoke, integration, *args, **options):
    """AWS streams the response to the client; ministack expects a complete one in another format."""
    try:
        if STREAM_URI in integration.get("uri", ""):
            return await _stream(integration, args, options)
        return await invoke(integration, *args, **options)
    except LambdaFailure as failure:
        return failure.gateway_error()


async def _stream(integration, args, options):
    scope = {"account_id": options.pop("owner_account_id", None), "region": options.pop("owner_region", None)}
    event = gateway._build_lambda_event_v1(*args, **options)
    event[SOCKET_FIELD] = os.path.join(tempfile.gettempdir(), f"{uuid.uuid4().hex}.sock")
    connection = asyncio.get_running_loop().create_future()
    server = await asyncio.start_unix_server(
        lambda *ends: connection.done() or connection.set_result(ends), event[SOCKET_FIELD], limit=MAX_PRELUDE_BYTES
    )
    function = gateway._extract_lambda_ref_from_integration_uri(integration["uri"])
    invocation = asyncio.create_task(gateway._call_lambda_raw(function, event, **scope))
    try:
        # The response keeps the writer alive: if it were garbage-collected, the connection would close.
        reader, writer = await _connected(connection, invocation)
        prelude = await _prelude(reader, invocation)
    finally:
        server.close()
        os.unlink(event[SOCKET_FIELD])
    headers = {"Content-Type": "application/octet-stream"}
    for name, value in {**prelude.get("headers", {}), **prelude.get("multiValueHeaders", {})}.items():
        headers = {known: kept for known, kept in headers.items() if known.lower() != name.lower()}
        headers[name] = value
    if prelude.get("cookies"):
        headers["Set-Cookie"] = list(prelude["cookies"])

    async def send_body(send, _receive):
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            writer.close()
        result, error = await invocation
        # Without the final chunk, the client sees that the response was cut off.
        if not error and not result.get("error"):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return int(prelude.get("statusCode", 200)), headers, StreamingResponse(send_body)


async def _connected(connection, invocation):
    await asyncio.wait({connection, invocation}, return_when=asyncio.FIRST_COMPLETED)
    if not connection.done():
        result, error = invocation.result()
        if error or result.get("throttle"):
            raise LambdaFailure(500)
        # A short response can end before its connection is accepted.
        if result.get("error") or result.get("body") != {"streamed": True}:
            raise LambdaFailure(502)
    return await connection


async def _prelude(reader, invocation):
    try:
        prelude = json.loads((await reader.readuntil(SEPARATOR))[: -len(SEPARATOR)])
        if not isinstance(prelude, dict):
            raise ValueError("not an object")
        return prelude
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        await invocation
        raise LambdaFailure(502) from None
