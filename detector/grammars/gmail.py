"""Gmail's log events, as BigQuery and the Reports API carry them: ``event_info`` and ``message_info``.

Reference: https://support.google.com/a/answer/7230050 (unverified from here).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Action, Col
from detector.grammars import mailtable, moments, records

if TYPE_CHECKING:
    from detector.events import Dialect
    from detector.grammars.records import Cells

SERVICES = {
    "smtp-inbound": "inbound", "smtp-outbound": "outbound", "gmail-ui": "", "gmail-for-business": "", "gmail": "",
    "imap": "", "pop": "", "mobile": "", "groups": "",
}  # fmt: skip
"""Where Gmail says that a mail comes from or goes to, and the direction that this means."""

_INFO = ("message_info",)
_CONNECTION = ("message_info", "connection_info")
_MICROSECOND_DIGITS = 16


def when(cells: Cells, dialect: Dialect) -> int | None:
    """``event_info.timestamp_usec``, else ``time_usec``: microseconds since the epoch."""
    for path in (("event_info", "timestamp_usec"), ("time_usec",), ("id", "time")):
        cell = mailtable.at_path(cells, path)
        if cell and (at := moments.instant(cell, dialect.zone)) is not None:
            return at
    return None


def _text(cells: Cells, *path: str) -> str:
    return records.text_of(mailtable.at_path(cells, path)).lower()


def _action(cells: Cells) -> Action | None:
    reply = _text(cells, *_CONNECTION, "smtp_reply_code")
    if reply[:1] == "5" and len(reply) == 3:
        return Action.DENIED
    return {"true": Action.ALLOWED, "false": Action.DENIED}.get(_text(cells, "event_info", "success"))


def _direction(cells: Cells) -> str | None:
    if SERVICES.get(_text(cells, *_INFO, "source", "service")) == "inbound":
        return "inbound"
    found = mailtable.at_path(cells, (*_INFO, "destination", "service"))
    if "smtp-outbound" in (found if isinstance(found, list) else [found]):
        return "outbound"
    inside = (_text(cells, *_CONNECTION, "is_intra_domain"), _text(cells, *_CONNECTION, "is_internal"))
    return "internal" if "true" in inside else None


def _authentication(cells: Cells) -> str | None:
    passed = _text(cells, *_CONNECTION, "dmarc_pass")
    if passed == "false" and not _text(cells, *_CONNECTION, "dmarc_published_domain"):
        return None  # a domain without a policy cannot fail it
    return mailtable.PASSED.get(passed)


MAILS = mailtable.table(
    {
        Col.SOURCE_IP: "message_info.connection_info.client_ip message_info.connection_info.smtp_in_connect_ip",
        Col.FROM: "message_info.source.from_header_address",
        Col.FROM_NAME: "message_info.source.from_header_displayname",
        Col.SENDER: "message_info.source.address",
        Col.TO: "message_info.destination.address",
        Col.SUBJECT: "message_info.subject",
        Col.MESSAGE_ID: "message_info.rfc2822_message_id",
    },
    when=when,
    verdict=_action,
    direction=_direction,
    authentication=_authentication,
    readers={Col.FROM_NAME: mailtable.name},
)
"""Reads a record with ``event_info`` and ``message_info``."""
