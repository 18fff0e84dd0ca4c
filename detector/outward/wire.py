"""A connection to one endpoint: the address that was checked is called; every wait ends at the deadline."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from detector.errors import UsageError
from detector.outward.addresses import Endpoint, Resolve, addresses_of
from detector.outward.deadline import Deadline, TooLate

if TYPE_CHECKING:
    from types import TracebackType

PIECE_BYTES = 16 * 1024


class Wire:
    """An open connection, a context that closes it.

    Args:
        connection: its socket.
        deadline: of the whole attempt.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self.connection = connection
        self._deadline = deadline

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close it; closing twice is allowed."""
        self.connection.close()

    def send(self, content: bytes) -> None:
        """Send everything.

        Raises:
            TooLate: not before the deadline.
            OSError: the other side went away.
        """
        view = memoryview(content)
        while view:
            self._arm()
            with _told("the other side does not take what is sent"):
                view = view[self.connection.send(view[:PIECE_BYTES]) :]

    def receive(self, limit_bytes: int) -> bytes:
        """What came, at most so many bytes; empty at the end.

        Raises:
            TooLate: nothing before the deadline.
            OSError: the other side went away.
        """
        self._arm()
        with _told("no answer"):
            return self.connection.recv(limit_bytes)

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Go on with TLS; the certificate must be of ``host``.

        Raises:
            TooLate: the handshake took too long.
            OSError: no TLS, or a certificate that is not trusted.
        """
        self._arm()
        with _told("no TLS handshake"):
            self.connection = context.wrap_socket(self.connection, server_hostname=host.strip("[]"))

    def is_taken(self, wait_s: float) -> bool:
        """Whether the other side closed its end after ours, and so read all that was sent; at most so long.

        Raises:
            OSError: it broke the connection off.
        """
        with contextlib.suppress(TimeoutError, ssl.SSLError):
            self.connection.settimeout(wait_s)
            if isinstance(self.connection, ssl.SSLSocket):
                self.connection = self.connection.unwrap()
            self.connection.shutdown(socket.SHUT_WR)
            return self.connection.recv(1) == b""
        return False

    def _arm(self) -> None:
        self.connection.settimeout(self._deadline.left_s())


def connect(endpoint: Endpoint, deadline: Deadline, resolve: Resolve | None = None) -> Wire:
    """A connection to the first address that takes one.

    Raises:
        Refused: an address that must not be called.
        TooLate: not before the deadline.
        OSError: none of the addresses takes a connection.
    """
    last: OSError | None = None
    for address in addresses_of(endpoint, deadline, resolve):
        try:
            return Wire(socket.create_connection((address, endpoint.port), timeout=deadline.left_s()), deadline)
        except OSError as fault:
            last = fault
    deadline.left_s()
    raise OSError(f"{endpoint.host}:{endpoint.port}: {_reason(last)}")


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Settings of TLS: 1.2 or later, certificate and name checked, against the system's authorities or a site's own.

    Raises:
        UsageError: the file holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as fault:
        raise UsageError(f"{ca_file}: no certificates can be read: {_reason(fault)}") from None


def _reason(fault: OSError | None) -> str:
    return (fault and (fault.strerror or str(fault))) or "no connection"


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """A socket's own timeout is the deadline's end."""
    try:
        yield
    except TimeoutError:
        raise TooLate(f"{what} in time") from None
