"""The ASGI application and the one process that serves it."""

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

# Actions that change nothing; anything else asks for a snapshot.
_READS = ("BatchGet", "Check", "Describe", "Filter", "Get", "Head", "List", "Lookup", "Search")

# Signing names whose state is kept under another one.
_STATE_KEYS = {"logs": "cloudwatch_logs", "monitoring": "cloudwatch"}

PARENT_CHECK_SECONDS = 0.5

# What the gateway adds to a request (embedded/gateway/launcher.ts); nothing else may bring it.
_TOKEN_HEADER = b"x-lake-token"
_CALLER_HEADER = b"x-lake-caller"

_CFN_RESPONSE = "/_ministack/cfn-response/"


class Door:
    """Lets nobody in but the gateway, which has checked who calls.

    The port is open to all users of this machine and to all that runs in the lake. ministack takes
    callers from several places, so the key whose signature was checked comes along: a request in
    which ministack would see another one, or none, goes no further.
    """

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]], token: str):
        self._application = application
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if scope["type"] != "http":
            # Nobody speaks anything else to this port: closed before it is accepted.
            await send({"type": "websocket.close", "code": 1008})
            return
        given = _values(scope, _TOKEN_HEADER)
        if len(given) != 1 or not hmac.compare_digest(given[0], self._token):
            await _respond(
                send, 403, {"message": "Only the gateway of this lake is answered here."}
            )
            return
        caller = b",".join(_values(scope, _CALLER_HEADER)).decode("latin-1")
        scope["headers"] = [
            (name, value)
            for name, value in scope["headers"]
            if name.lower() not in (_TOKEN_HEADER, _CALLER_HEADER)
        ]
        if not _agrees(scope, caller):
            await _respond(
                send,
                403,
                {
                    "__type": "InvalidClientTokenId",
                    "message": "The request does not name the caller that signed it.",
                },
            )
            return
        await self._application(scope, receive, send)


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for other, value in scope["headers"] if other.lower() == name]


def _agrees(scope: Scope, caller: str) -> bool:
    """Whether ministack will see the caller that the gateway saw, or may do without one."""
    path = scope["path"]
    if path.startswith(routes.PREFIX):
        return True
    if path.startswith("/_"):
        # Of ministack's own routes, the one a custom resource answers to, while it is waited for.
        token = path.removeprefix(_CFN_RESPONSE)
        return scope["method"] == "PUT" and token != path and token in custom_resource._pending
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return caller != "" and extract_access_key_id(_headers(scope), query) == caller


def _headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """ministack, with the gateway's routes before it and a snapshot after each change."""
    if scope["type"] != "http":
        await ministack_app.app(scope, receive, send)
        return
    path = scope["path"]
    if path.startswith(routes.PREFIX):
        await _internal(scope, receive, send)
        return
    headers = _headers(scope)
    # Nothing here leaves the machine: a policy's aws:SecureTransport is taken as satisfied.
    scope["headers"] = [*scope["headers"], (b"x-forwarded-proto", b"https")]
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    caller_key.set(extract_access_key_id(headers, query) or "")
    service = _signed_for(headers)
    if service and service not in SERVICES:
        # ministack would load the models of every service there is, 400 MB, to say the same.
        await _respond(
            send,
            400,
            {
                "__type": "UnknownServiceException",
                "message": f"The embedded cloud has no {service}: see docs/embedded-cloud.md",
            },
        )
        return
    start_up.gateway_is_there()
    if recorded_calls.is_on() and caller_key.get():
        called = operation(service, scope["method"], path, query, headers)
        as_account(caller_key.get())
        recorded_calls.begin(called, arn_of(caller_key.get()))
    caller = key_uses.begin(caller_key.get(), service or _presigned_for(query))
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


def _signed_for(headers: dict[str, str]) -> str:
    """The service a signature is scoped to: Credential=KEY/DATE/REGION/SERVICE/aws4_request."""
    parts = headers.get("authorization", "").partition("Credential=")[2].split("/")
    return parts[3] if len(parts) > 3 else ""


def _presigned_for(query: dict[str, list[str]]) -> str:
    """The same of a presigned address: X-Amz-Credential=KEY/DATE/REGION/SERVICE/aws4_request."""
    parts = query.get("X-Amz-Credential", [""])[0].split("/")
    return parts[3] if len(parts) > 3 else ""


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
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json")],
        }
    )
    await send({"type": "http.response.body", "body": json.dumps(fields).encode()})


def run(port: int, parent: int, token: str) -> None:
    """Serve on 127.0.0.1:`port` until SIGTERM, SIGINT, or the end of the process `parent`.

    Whoever does not send `token` is refused.

    Prints one line on stdout when requests are answered.
    """
    asyncio.run(_serve(port, parent, token))


async def _serve(port: int, parent: int, token: str) -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    # The gateway holds idle connections open; waiting for them would make every stop slow.
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
        # Before anything is torn down: what runs now is to be found as running, and redriven.
        await asyncio.to_thread(snapshots.stop)
        await asyncio.to_thread(lambda_runtime.reset)

    await serve(Door(application, token), config, shutdown_trigger=stopped)
    ready.cancel()
    # Threads may still wait for a Lambda or a query that nobody wants any more, and an orderly
    # exit would wait for them. All that is kept has been saved.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _watch(parent: int, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """End when the parent has: a SIGKILL of it leaves an orphan that someone else adopts."""
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
