"""The column names of an event, after the Elastic Common Schema (ECS).

Reference: https://www.elastic.co/guide/en/ecs/current/ecs-field-reference.html (unverified from here)
"""

from __future__ import annotations

from enum import StrEnum


class Col(StrEnum):
    """One column of an event; the value is the ECS key that ``shadowit parse`` prints.

    Times are whole microseconds since 1970-01-01T00:00:00Z inside the program and ISO 8601 UTC outside; byte counts
    are plain integers; ``TO`` is a list of addresses; everything else is text. ``KIND`` is set only by rows that are
    not of their format's main kind (one Zeek directory holds requests, DNS questions and mail).
    """

    AT = "@timestamp"
    KIND = "event.kind"
    SOURCE_IP = "source.ip"
    SOURCE_MAC = "source.mac"
    HOST_NAME = "host.name"
    USER = "user.name"
    DOMAIN = "url.domain"
    URL = "url.full"
    METHOD = "http.request.method"
    STATUS = "http.response.status_code"
    BYTES_SENT = "http.request.bytes"
    BYTES_RECEIVED = "http.response.bytes"
    ACTION = "event.type"
    USER_AGENT = "user_agent.original"
    QUESTION = "dns.question.name"
    QUESTION_TYPE = "dns.question.type"
    SERVER_NAME = "tls.client.server_name"
    FROM = "email.from.address"
    FROM_NAME = "email.from.name"
    SENDER = "email.sender.address"
    TO = "email.to.address"
    SUBJECT = "email.subject"
    MESSAGE_ID = "email.message_id"
    DIRECTION = "email.direction"
    AUTHENTICATION = "email.authentication"
    ACTIVITY = "event.action"
    APPLICATION = "cloud.app.name"
    CLIENT_ID = "cloud.app.client_id"
    START = "event.start"
    END = "event.end"
    TRANSACTION = "transaction.id"
    PATH = "log.file.path"
    OFFSET = "log.offset"
    LINE = "log.line"

    __hash__ = str.__hash__  # Enum's own is a Python function: it would cost a third of the time of parsing


TIMES = frozenset({Col.AT, Col.START, Col.END})
"""Columns that hold microseconds since the epoch, UTC."""

NUMBERS = frozenset({Col.STATUS, Col.BYTES_SENT, Col.BYTES_RECEIVED, Col.OFFSET, Col.LINE})
"""Columns that hold integers; sizes are in bytes."""

LISTS = frozenset({Col.TO})
"""Columns that hold lists of text."""


class Kind(StrEnum):
    """What a log watches; decides how much one of its events can prove."""

    PROXY = "proxy"
    DNS = "dns"
    MAIL = "mail"
    LEASE = "lease"
    LOGIN = "login"

    __hash__ = str.__hash__  # as of Col


class Action(StrEnum):
    """What the device did with the request.

    A ``CHALLENGE`` (401, 407) asks who the client is: it is neither a use nor a blocked attempt.
    """

    ALLOWED = "allowed"
    DENIED = "denied"
    CHALLENGE = "challenge"

    __hash__ = str.__hash__  # as of Col


class Stage(StrEnum):
    """What the evidence proves, lowest first; the second group stands beside the ladder and never raises it."""

    RESOLVED = "resolved"
    VISITED = "visited"
    SIGNED_UP = "signed_up"
    SIGNED_IN = "signed_in"
    USED = "used"
    UPLOADED = "uploaded"

    SOLICITED = "solicited"
    INVITED = "invited"
    GUEST_VIEWED = "guest_viewed"
    CONTACTED = "contacted"
    PAID = "paid"
    CLOSED = "closed"

    __hash__ = str.__hash__  # as of Col

    @property
    def rung(self) -> int:
        """Height on the ladder, 1 for ``resolved`` to 6 for ``uploaded``; 0 beside the ladder.

        >>> Stage.RESOLVED.rung, Stage.UPLOADED.rung, Stage.INVITED.rung
        (1, 6, 0)
        """
        return _RUNGS.get(self, 0)

    @property
    def height(self) -> tuple[int, int]:
        """Which of several stages reaches further: the rung, and of those beside the ladder the later one."""
        return _HEIGHTS[self]

    @property
    def rank(self) -> tuple[int, int]:
        """Place in a list of stages: down the ladder, then what stands beside it."""
        return -self.rung, self.position

    @property
    def position(self) -> int:
        """Among all stages as they are listed, from 0.

        >>> Stage.RESOLVED.position, Stage.CLOSED.position
        (0, 11)
        """
        return _POSITIONS[self]


_RUNGS = {stage: height for height, stage in enumerate(list(Stage)[:6], start=1)}
_POSITIONS = {stage: position for position, stage in enumerate(Stage)}
_HEIGHTS = {stage: (stage.rung, stage.position) for stage in Stage}
