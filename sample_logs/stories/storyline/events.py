"""What happens in a story, before any log layout: requests, look-ups, mails, and what they prove."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from random import Random
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Proof:
    """What the author of a story knows an event to prove.

    Attributes:
        stage: of the ladder or beside it.
        confidence: ``confirmed`` or ``probable``.
        denied: the event is a refused attempt.
        opaque: a request to a host of the product itself: many of them on one day are a probable use.
        service: whose event it is.
    """

    stage: str
    confidence: str = "confirmed"
    denied: bool = False
    opaque: bool = False
    service: str = "clearview-ai"


@dataclass(frozen=True, slots=True)
class Web:
    """One request at a proxy.

    Attributes:
        at: milliseconds since the epoch.
        address: of the client.
        host: that was asked for; in a URL it may have user information in front.
        user: who had logged in, empty where nobody had.
        path: with the query; empty where the content was hidden (``CONNECT``).
        method: of the request.
        status: sent to the client; 407 asks for a login, 403 refuses.
        sent: bytes from the client.
        received: bytes to the client.
        scheme: ``http`` or ``https``.
        proof: what it proves, if anything.
    """

    at: int
    address: str
    host: str
    user: str = ""
    path: str = ""
    method: str = "CONNECT"
    status: int = 200
    sent: int = 900
    received: int = 5_000
    scheme: str = "https"
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question to a resolver.

    Attributes:
        at: milliseconds since the epoch.
        address: of the client.
        name: that was asked for, without the final dot.
        type: of the record.
        proof: what it proves, if anything.
    """

    at: int
    address: str
    name: str
    type: str = "A"
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail at the organisation's border.

    Attributes:
        at: milliseconds since the epoch.
        sender: of the envelope.
        recipients: mailboxes, in any case of letters.
        subject: decoded.
        author: what stands in the ``From`` header, empty where it is the envelope's sender.
        verdict: ``pass`` or ``fail`` where the gateway checked the sender, else empty.
        status: ``delivered``, ``quarantined`` or ``spam``.
        outbound: one's own people wrote it.
        waited: milliseconds between arrival and delivery, when the first try failed.
        proof: what it proves for each recipient (outbound: for the sender), if anything.
    """

    at: int
    sender: str
    recipients: tuple[str, ...]
    subject: str
    author: str = ""
    verdict: str = ""
    status: str = "delivered"
    outbound: bool = False
    waited: int = 0
    proof: Proof | None = None

    @property
    def is_internal(self) -> bool:
        """Whether a colleague wrote it to a colleague."""
        return not self.outbound and self.sender.endswith("@service.example")


@dataclass(frozen=True, slots=True)
class Lease:
    """A workstation gets an address, or gives it back.

    Attributes:
        at: milliseconds since the epoch.
        address: that it gets.
        host: the workstation's name.
        seconds: for how long, 0 where it gives the address back.
        is_first: the workstation did not have the address before.
        proof: none; leases prove nothing about a service.
    """

    at: int
    address: str
    host: str
    seconds: int
    is_first: bool = False
    proof: None = None

    @property
    def mac(self) -> str:
        """The workstation's hardware address (a documentation range)."""
        number = number_of(self.host)
        return f"00:00:5e:00:{number >> 8 & 255:02x}:{number & 255:02x}"


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody logs in at a workstation.

    Attributes:
        at: milliseconds since the epoch.
        address: of the workstation.
        host: the workstation's name.
        user: the account.
        proof: none; logins prove nothing about a service.
    """

    at: int
    address: str
    host: str
    user: str
    proof: None = None


Event: TypeAlias = Web | Lookup | Mail | Lease | Login


def dice_of(event: Event) -> Random:
    """A source of an event's incidental numbers (ports, sizes, ids): the same for the same event."""
    return Random(number_of(repr(event)))


def number_of(text: str) -> int:
    """A number that stands for a text, the same everywhere."""
    return zlib.crc32(text.encode())


def server_of(host: str) -> str:
    """The address that a host has in the stories (a documentation range)."""
    return f"203.0.113.{number_of(host) % 250 + 2}"
