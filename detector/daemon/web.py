"""The web listener: ``/metrics``, ``/-/healthy``, ``/-/ready``, ``/-/reload``; on loopback unless it is protected."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from isal import igzip
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from uvicorn import Config
from uvicorn.server import ServerState

from detector.daemon import webconfig
from detector.daemon.connections import HEADER_S, Bounded, Connections
from detector.daemon.guard import Guard, Passwords
from detector.daemon.health import RELOAD
from detector.errors import UsageError
from detector.events import to_iso
from detector.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from detector.daemon.health import State

FRESH_S = 1.0
"""Metrics are made anew at most that often, whoever asks."""
_PIECE_BYTES = 64 * 1024
_THREADS = 4
_BACKLOG = 128
_UNREAD_BYTES = 128 * 1024
"""What the system takes for a client that reads nothing: else megabytes, which others would wait for."""
_END_S = 1.0
_QUICK = 2
"""Level of compression: the next one takes 14 ms instead of 1 for the metrics of 3,500 services, and saves nothing."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the pages say.

    Attributes:
        state: how the daemon is.
        metrics: the text of the metrics; may take a moment.
        reload: takes configuration, signatures and policy anew; whether they were taken.
    """

    state: Callable[[], State]
    metrics: Callable[[], bytes]
    reload: Callable[[], bool]


class Pages:
    """The pages themselves.

    Args:
        answers: what they say.
        executor: where they work out what takes longer.
    """

    def __init__(self, answers: Answers, executor: ThreadPoolExecutor) -> None:
        self._answers = answers
        self._executor = executor
        self._made = asyncio.Lock()
        self._reloads = asyncio.Lock()
        self._text = self._packed = b""
        self._text_at = float("-inf")

    def application(self) -> Starlette:
        """The pages by their paths."""
        return Starlette(
            routes=[
                Route("/metrics", self.metrics, methods=["GET"]),
                Route("/-/healthy", self.healthy, methods=["GET"]),
                Route("/-/ready", self.ready, methods=["GET"]),
                Route("/-/reload", self.reload, methods=["POST"]),
            ]
        )

    async def metrics(self, request: Request) -> Response:
        """The metrics, compressed for those who take it: a twentieth of the bytes."""
        loop = asyncio.get_running_loop()
        async with self._made:
            if loop.time() - self._text_at >= FRESH_S:
                self._text, self._packed = await loop.run_in_executor(self._executor, self._both)
                self._text_at = loop.time()
        headers = {"Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return _Paced(self._packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=CONTENT_TYPE)
        return _Paced(self._text, headers=headers, media_type=CONTENT_TYPE)

    def _both(self) -> tuple[bytes, bytes]:
        text = self._answers.metrics()
        return text, igzip.compress(text, _QUICK)

    async def healthy(self, _request: Request) -> Response:
        """It lives."""
        return PlainTextResponse("shadowit is alive\n")

    async def ready(self, _request: Request) -> Response:
        """Whether what it says can be relied on, and why not."""
        state = self._answers.state()
        faults = [
            {"name": name, "reason": fault.reason, "since": to_iso(fault.since), "is_grave": fault.is_grave}
            for name, fault in sorted(state.faults.items())
        ]
        said = {
            "ready": state.is_ready,
            "running": state.is_running,
            "faults": faults,
            "look_back": state.look_back,
            "ruleset": state.ruleset,
            "policy": state.policy,
        }
        return JSONResponse(said, 200 if state.is_ready else 503)

    async def reload(self, _request: Request) -> Response:
        """Take the configuration anew; one at a time."""
        if self._reloads.locked():
            return JSONResponse({"reloaded": False, "reason": "another reload is under way"}, 409)
        async with self._reloads:
            loop = asyncio.get_running_loop()
            is_taken = await loop.run_in_executor(self._executor, self._answers.reload)
        if is_taken:
            return JSONResponse({"reloaded": True, "reason": ""})
        fault = self._answers.state().faults.get(RELOAD)
        return JSONResponse({"reloaded": False, "reason": fault.reason if fault else "not taken"}, 500)


class _Paced(Response):
    """A long text in pieces, each behind the one before: a client that reads slowly holds one piece, not the whole."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        text = self.body
        for start in range(0, len(text), _PIECE_BYTES):
            piece = text[start : start + _PIECE_BYTES]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)  # others are served in between, and a client that has gone is noticed
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Listener:
    """The listener in a thread of its own.

    Args:
        listen: address and port.
        web_config_file: TLS and passwords, ``None`` for neither.
        answers: what the pages say.

    Raises:
        UsageError: the address is not loopback and would not be protected, or cannot be taken.
        InvalidFile: the web configuration is wrong.
    """

    def __init__(self, listen: str, web_config_file: Path | None, answers: Answers) -> None:
        self._file = web_config_file
        self._is_local = _is_local(listen)
        self._config, self._tls = self._protection()
        self._answers = answers
        self._socket = _bound(listen)
        self._executor = ThreadPoolExecutor(_THREADS, "web")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ends: asyncio.Event | None = None
        self._guard: Guard | None = None
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, with the port that it was given."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        self._is_up.wait()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Answer nobody any more; whoever is being answered is cut off."""
        if self._thread.is_alive() and self._loop is not None and self._ends is not None:
            self._loop.call_soon_threadsafe(self._ends.set)
        self._thread.join(timeout_s)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def refresh(self) -> None:
        """Read the web configuration anew: passwords and certificates of connections from now on.

        Raises:
            InvalidFile: it is wrong: the one before stays in force.
            UsageError: TLS came or went, or protection is needed and gone.
        """
        config, _ = self._protection()
        if (config.tls_server_config is None) != (self._tls is None):
            raise UsageError(f"{self._file}: TLS cannot be switched on or off while the listener runs: start it again")
        if self._tls is not None and config.tls_server_config is not None:
            self._tls.load_cert_chain(config.tls_server_config.cert_file, config.tls_server_config.key_file)
        self._config = config
        if self._loop is not None and self._guard is not None:
            self._loop.call_soon_threadsafe(setattr, self._guard, "passwords", self._passwords())

    def _protection(self) -> tuple[webconfig.WebConfig, ssl.SSLContext | None]:
        config = webconfig.WebConfig() if self._file is None else webconfig.load(self._file)
        tls = config.tls_server_config
        if not self._is_local and (tls is None or not config.basic_auth_users):
            raise UsageError(
                "listen: an address that others can reach needs TLS and basic auth: write web_config_file with "
                "tls_server_config and basic_auth_users, or listen on 127.0.0.1"
            )
        if tls is None or self._file is None:
            return config, None
        return config, webconfig.tls_context(tls, self._file)

    def _passwords(self) -> Passwords | None:
        users = self._config.basic_auth_users
        return Passwords(users, self._executor) if users else None

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._is_up.set()
            self._socket.close()

    async def _serve(self) -> None:
        self._loop, self._ends = asyncio.get_running_loop(), asyncio.Event()
        pages = Pages(self._answers, self._executor).application()
        guard = self._guard = Guard(pages, self._passwords(), is_local=self._is_local)
        config = Config(guard, lifespan="off", ws="none", log_config=None, access_log=False, proxy_headers=False)
        config.load()
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # a bad request is no news
        state, connections = ServerState(), Connections()
        state.default_headers = [(b"connection", b"close"), (b"cache-control", b"no-store")]
        server = await self._loop.create_server(
            lambda: Bounded(config, state, connections),
            sock=self._socket,
            ssl=self._tls,
            ssl_handshake_timeout=HEADER_S if self._tls else None,
            backlog=_BACKLOG,
        )
        self._is_up.set()
        await self._ends.wait()
        server.close()
        connections.abort()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=_END_S)


def _split(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _is_local(listen: str) -> bool:
    """Only a written loopback address, or ``localhost``, is one: a name may lead elsewhere tomorrow."""
    host, _ = _split(listen)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(listen: str) -> socket.socket:
    host, port = _split(listen)
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            "127.0.0.1" if host == "localhost" else host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind)
    except OSError as fault:
        raise UsageError(f"listen: {listen} is no address: {fault.strerror or fault}") from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD_BYTES)
        made.bind(address)
    except OSError as fault:
        made.close()
        raise UsageError(f"listen: {listen} cannot be taken: {fault.strerror or fault}") from None
    return made
