"""Sightings: events of a service that somebody's logs hold, as rows that can be proven by opening a byte range."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from stringzilla import sha256

if TYPE_CHECKING:
    from detector.events import Kind, Stage


class Confidence(StrEnum):
    """How surely the evidence proves the stage.

    ``PROBABLE`` is said where the content was hidden and only sizes or counts speak, and where a log does not say how
    a mail's authentication ended.
    """

    CONFIRMED = "confirmed"
    PROBABLE = "probable"

    __hash__ = str.__hash__  # as of ActorKind


class ActorKind(StrEnum):
    """What identifies an actor."""

    PERSON = "person"
    ACCOUNT = "account"
    ADDRESS = "address"
    MAILBOX = "mailbox"
    UNKNOWN = "unknown"

    __hash__ = str.__hash__  # Enum's own is a Python function, and actors are keys of every fold


class Actor(NamedTuple):
    """One party.

    Attributes:
        kind: what identifies it.
        name: the account, mailbox (both lower case) or address.
    """

    kind: ActorKind
    name: str


class Attribution(NamedTuple):
    """Whom a sighting belongs to, and how surely.

    Attributes:
        actor: who.
        grade: ``high`` (an authenticated user), ``medium`` (a mailbox, a login at that address) or ``low``.
        unit: the person's organisational unit at that time, empty where unknown.
        one_of: how many people the sighting may belong to, 1 for nobody else.
    """

    actor: Actor
    grade: str
    unit: str = ""
    one_of: int = 1


class Sighting(NamedTuple):
    """One event of one service by one party.

    Attributes:
        service: the service's id.
        indicator: the indicator's id.
        stage: what the event proves.
        confidence: how surely.
        at: microseconds since the epoch, ``None`` where the line's time cannot be read.
        denied: the device refused the request: an attempt, never a use.
        account: user name as the device wrote it, empty where unknown.
        address: client address, empty where unknown.
        mailbox: mail address of the person, empty for network events.
        host: the name that was asked for, empty for mail.
        bytes_sent: by the client, 0 where the log does not say.
        offset: of the line's first byte in the decompressed stream.
        part: 0, or the position of the recipient among several on one line.
        line: the raw line without its newline.
        counterpart: of mail, the address at the other end; empty for network events.
    """

    service: str
    indicator: str
    stage: Stage
    confidence: Confidence
    at: int | None
    denied: bool
    account: str
    address: str
    mailbox: str
    host: str
    bytes_sent: int
    offset: int
    part: int
    line: bytes
    counterpart: str = ""


Attribute: TypeAlias = Callable[[Sighting], Attribution]
"""Tells whom a sighting belongs to."""


class SightingBatch(NamedTuple):
    """n sightings of one stream.

    Attributes:
        stream: identity of the stream: the same for a log and its rotated or compressed copy.
        path: the file in which the lines lay.
        dataset: the log format's name.
        kind: what the log watches.
        rows: (n,) in the order of the lines.
    """

    stream: str
    path: str
    dataset: str
    kind: Kind
    rows: tuple[Sighting, ...]


def sighting_id(stream: str, offset: int, indicator: str, part: int = 0) -> str:
    """The id of a sighting: of its place and its indicator, never of its text, so that a rescan gives the same id.

    >>> sighting_id("s", 0, "i") == sighting_id("s", 0, "i"), sighting_id("s", 0, "i") == sighting_id("s", 1, "i")
    (True, False)
    """
    digest: bytes = sha256(f"{stream}\0{offset}\0{part}\0{indicator}".encode())
    return digest[:16].hex()
