"""The ASGI application and the process that serves it."""

import asyncio
import hmac
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack_app
from ministack.core import lambda_runtime
from ministack.core.router import extract_access_key_id
from ministack.services.cloudformation import custom_resource

from embedded.launcher import key_uses, recorded_calls, routes, start_up
from embedded.launcher.authority import arn_of, as_account, caller_key
from embedded.launcher.environment import SERVICES
from embedded.launcher.operations import operation
from embedded.launcher.patches import snapshots

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Prefixes of actions that change nothing. Every other action causes a snapshot.
_READS = ("BatchGet", "Check", "Describe", "Filter", "Get", "Head", "List", "Lookup", "Search")

# Signing names whose state has another name.
_STATE_KEYS = {"logs": "cloudwatch_logs", "monitoring": "cloudwatch"}

PARENT_CHECK_SECONDS = 0.5

# Headers that only the gateway may add (embedded/gateway/launcher.ts).
_TOKEN_HEADER = b"x-lake-token"
_CALLER_HEADER = b"x-lake-caller"

_CFN_RESPONSE = "/_ministack/cfn-response/"


class Door:
    """Accepts only requests of the gateway, which has authenticated the caller.

    All users of this machine and all programs of the lake can reach the port. ministack reads the
    caller from several places, so the gateway also sends the key whose signature it has checked. A
    request in which ministack would find another key, or none, is refused.
    """

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]], token: str):
        self._application = application
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if scope["type"] != "http":
            # Other protocols (websockets) are closed before they are accepted.
            await send({"type": "websocket.close", "code": 1008})
            return
        tokens = _values(scope, _TOKEN_HEADER)
        if len(tokens) != 1 or not hmac.compare_digest(tokens[0], self._token):
            text = "Only the gateway of this lake may call this port."
            await _respond(send, 403, {"message": text})
            return
        caller = b",".join(_values(scope, _CALLER_HEADER)).decode("latin-1")
        scope["headers"] = [
            (name, value)
            for name, value in scope["headers"]
            if name.lower() not in (_TOKEN_HEADER, _CALLER_HEADER)
        ]
        if not _agrees(scope, caller):
            text = "The request does not name the caller that signed it."
            await _respond(send, 403, {"__type": "InvalidClientTokenId", "message": text})
            return
        await self._application(scope, receive, send)


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for other, value in scope["headers"] if other.lower() == name]


def _agrees(scope: Scope, caller: str) -> bool:
    """Whether ministack will find the same caller as the gateway, or needs none."""
    path = scope["path"]
    if path.startswith(routes.PREFIX):
        return True
    if path.startswith("/_"):
        # The only open route of ministack: the pending response of a custom resource.
        token = path.removeprefix(_CFN_RESPONSE)
        return scope["method"] == "PUT" and token != path and token in custom_resource._pending
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return caller != "" and extract_access_key_id(_headers(scope), query) == caller


def _headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """ministack, with the gateway's routes added and a snapshot after each change."""
    if scope["type"] != "http":
        await ministack_app.app(scope, receive, send)
        return
    path = scope["path"]
    if path.startswith(routes.PREFIX):
        await _internal(scope, receive, send)
        return
    headers = _headers(scope)
    # Requests do not leave this machine, so aws:SecureTransport counts as true.
    scope["headers"] = [*scope["headers"], (b"x-forwarded-proto", b"https")]
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    caller_key.set(extract_access_key_id(headers, query) or "")
    service = _service_in(headers.get("authorization", "").partition("Credential=")[2])
    if service and service not in SERVICES:
        # ministack would load the models of all AWS services (400 MB) to return the same error.
        text = f"The embedded cloud has no {service}. See docs/embedded-cloud.md."
        await _respond(send, 400, {"__type": "UnknownServiceException", "message": text})
        return
    start_up.gateway_is_there()
    if recorded_calls.is_on() and caller_key.get():
        called = operation(service, scope["method"], path, query, headers)
        as_account(caller_key.get())
        recorded_calls.begin(called, arn_of(caller_key.get()))
    presigned = _service_in(query.get("X-Amz-Credential", [""])[0])
    caller = key_uses.begin(caller_key.get(), service or presigned)
    try:
        await ministack_app.app(scope, receive, send)
    finally:
        caller.open = False
    recorded_calls.end()
    if _may_change(scope["method"], headers):
        snapshots.changed(_STATE_KEYS.get(service, service))


def _may_change(method: str, headers: dict[str, str]) -> bool:
    action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    return method not in ("GET", "HEAD") and not action.startswith(_READS)


def _service_in(credential: str) -> str:
    """The service in a signature's credential, KEY/DATE/REGION/SERVICE/aws4_request."""
    return ([*credential.split("/"), "", "", "", ""])[3]


async def _internal(scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status, fields = routes.answer(scope["method"], scope["path"], body)
    await _respond(send, status, fields)


async def _respond(send: Send, status: int, fields: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(fields).encode()})


def run(port: int, parent: int, token: str) -> None:
    """Serve on 127.0.0.1:`port` until SIGTERM, SIGINT, or the end of the process `parent`.

    Refuses requests without `token`. Prints one line on stdout when it is ready.
    """
    asyncio.run(_serve(port, parent, token))


async def _serve(port: int, parent: int, token: str) -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    # The gateway keeps idle connections open; waiting for them would slow down every stop.
    config.graceful_timeout = 0.2
    config.shutdown_timeout = 3
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(
        target=_watch, args=(parent, loop, stop), name="lake-parent", daemon=True
    ).start()
    ready = asyncio.create_task(_announce(port))

    async def stopped() -> None:
        await stop.wait()
        # Save before the shutdown: running executions are saved as running, to be redriven.
        await asyncio.to_thread(snapshots.stop)
        await asyncio.to_thread(lambda_runtime.reset)

    await serve(Door(application, token), config, shutdown_trigger=stopped)
    ready.cancel()
    # Threads may still wait for a Lambda or a query, and a normal exit would wait for them. The
    # state has been saved.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _watch(parent: int, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop when the parent has ended: after its SIGKILL this process gets another parent."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(PARENT_CHECK_SECONDS)
    loop.call_soon_threadsafe(stop.set)


async def _announce(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        print(f"launcher ready on http://127.0.0.1:{port}", flush=True)
        return
