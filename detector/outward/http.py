"""POST over HTTP/1.1 as this program does it: one address, one deadline, no redirects, no proxies."""

from __future__ import annotations

import base64
import contextlib
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

import httpcore
from pydantic import AfterValidator

from detector.events.instants import to_datetime
from detector.outward.addresses import Endpoint, Resolve
from detector.outward.deadline import Deadline, TooLate
from detector.outward.sink import ATTEMPT_S, Outcome, Result, shortened
from detector.outward.wire import Wire, connect, tls_context

ANSWER_BYTES = 64 * 1024
RETRY_AFTER_LIMIT_S = 15 * 60
_PORTS = {"http": 80, "https": 443}
_WORTH_ANOTHER_TRY = (408, 425, 429)


def checked_url(url: str) -> str:
    """An http or https URL without a user in it.

    Raises:
        ValueError: it is not one; the message does not repeat it, as URLs hold secrets.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be a URL like https://host.example/path")
    if "@" in parts.netloc:
        raise ValueError("must hold no user or password: secrets stand in files (password_file, bearer_file)")
    if parts.port == 0 or parts.fragment:
        raise ValueError("must hold neither port 0 nor a fragment (#…)")
    return url


Url = Annotated[str, AfterValidator(checked_url)]


@dataclass(frozen=True, slots=True)
class Post:
    """One request.

    Attributes:
        url: where to; only its scheme, host and port are ever told.
        body: what.
        headers: beside ``Host`` and ``Content-Length``.
        ca_file: authorities to trust instead of the system's.
        allow_private: see ``addresses``.
    """

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    ca_file: Path | None = None
    allow_private: bool = False


def basic(user: str, password: str) -> str:
    """The value of ``Authorization`` for a user and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def post(request: Post, now: int, resolve: Resolve | None = None, limit_s: float = ATTEMPT_S) -> Outcome:
    """Send a request and tell what became of it.

    Args:
        request: what to send.
        now: the present instant, for ``Retry-After`` that is a date.
        resolve: asks for addresses, the system's resolver where it is not given.
        limit_s: seconds for all of it.

    Raises:
        Refused, TooLate, UsageError, OSError: see ``attempted``.
    """
    url, deadline = urlsplit(request.url), Deadline(limit_s)
    backend = _Backend(request, deadline, resolve)
    context = tls_context(request.ca_file) if url.scheme == "https" else None
    with httpcore.ConnectionPool(ssl_context=context, network_backend=backend, max_connections=1) as pool:
        try:
            with pool.stream("POST", request.url, headers=_headers(url, request), content=request.body) as answer:
                if 200 <= answer.status < 300:
                    return Outcome(Result.DELIVERED, f"{_where(url)} answered {answer.status}")
                said = b"" if 300 <= answer.status < 400 else _read(answer.iter_stream())
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol):
            return Outcome(Result.POSTPONED, f"{_where(url)} does not answer as HTTP")
        return _judged(answer, said, _where(url), now)


def _headers(url: SplitResult, request: Post) -> list[tuple[str, str]]:
    length = str(len(request.body))
    return [("Host", url.netloc), ("Content-Length", length), ("Connection", "close"), *request.headers.items()]


def _where(url: SplitResult) -> str:
    return f"{url.scheme}://{url.netloc}"


def _read(pieces: Iterable[bytes]) -> bytes:
    """The start of an answer that is not "taken": its status counts, also where the rest never comes."""
    said = b""
    with contextlib.suppress(TooLate, OSError, httpcore.ProtocolError):
        for piece in pieces:
            said += piece
            if len(said) >= ANSWER_BYTES:
                break
    return said[:ANSWER_BYTES]


def _judged(answer: httpcore.Response, said: bytes, where: str, now: int) -> Outcome:
    status = answer.status
    detail = shortened(f"{where} answered {status} {said.decode(errors='replace')}")
    if 300 <= status < 400:
        return Outcome(Result.PARKED, f"{where} answered {status}: redirects are not followed, write the final URL")
    if 400 <= status < 500 and status not in _WORTH_ANOTHER_TRY:
        return Outcome(Result.PARKED, detail)
    headers = {name.lower(): value for name, value in answer.headers}
    return Outcome(Result.POSTPONED, detail, retry_after_s(headers.get(b"retry-after", b"").decode("latin-1"), now))


def retry_after_s(value: str, now: int) -> int:
    """Seconds that a ``Retry-After`` asks for, at most 15 minutes; 0 where it cannot be read.

    Reference: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after

    >>> retry_after_s("120", 0), retry_after_s("999999", 0), retry_after_s("Thu, 01 Jan 1970 00:00:30 GMT", 0)
    (120, 900, 30)
    """
    if value.isascii() and value.isdigit():
        return min(int(value[:9]), RETRY_AFTER_LIMIT_S)
    try:
        moment = parsedate_to_datetime(value)
        seconds = (moment - to_datetime(now)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0
    return int(min(max(seconds, 0), RETRY_AFTER_LIMIT_S))


class _Backend(httpcore.NetworkBackend):
    """Connections of this house for the HTTP library: it never asks a resolver itself."""

    def __init__(self, request: Post, deadline: Deadline, resolve: Resolve | None) -> None:
        self._request = request
        self._deadline = deadline
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the library's signature; the deadline counts
        local_address: str | None = None,  # noqa: ARG002 - as above
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.NetworkStream:
        return _Stream(connect(Endpoint(host, port, self._request.allow_private), self._deadline, self._resolve))


class _Stream(httpcore.NetworkStream):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._read_bytes = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline counts
        if self._read_bytes >= 2 * ANSWER_BYTES:
            return b""
        piece = self._wire.receive(max_bytes)
        self._read_bytes += len(piece)
        return piece

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline counts
        self._wire.send(buffer)

    def close(self) -> None:
        self._wire.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline counts
    ) -> httpcore.NetworkStream:
        self._wire.secure(ssl_context, server_hostname or "")
        return self
