"""Gmail's log events, as BigQuery and the Reports API carry them: ``event_info`` and ``message_info``.

Reference: https://support.google.com/a/answer/7230050 (unverified from here).
"""

from __future__ import annotations

from detector.events import Action, Col
from detector.grammars import mailtable, moments, together

SERVICES = {
    "smtp-inbound": "inbound", "smtp-outbound": "outbound", "gmail-ui": "", "gmail-for-business": "", "gmail": "",
    "imap": "", "pop": "", "mobile": "", "groups": "",
}  # fmt: skip
"""Where Gmail says that a mail comes from or goes to, and the direction that this means."""

when = moments.stamp("event_info.timestamp_usec time_usec id.time")
"""``event_info.timestamp_usec``, else ``time_usec``: microseconds since the epoch."""


def _action(reply: str, success: str) -> Action | None:
    if reply[:1] == "5" and len(reply) == 3:
        return Action.DENIED
    return {"true": Action.ALLOWED, "false": Action.DENIED}.get(success.lower())


def _direction(source: str, destinations: str, *inside: str) -> str | None:
    if SERVICES.get(source.lower()) == "inbound":
        return "inbound"
    if "smtp-outbound" in destinations.split(", "):
        return "outbound"
    return "internal" if any(said.lower() == "true" for said in inside) else None


def _authentication(passed: str, domain: str) -> str | None:
    if passed.lower() == "false" and not domain:
        return None  # a domain without a policy cannot fail it
    return mailtable.PASSED.get(passed.lower())


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
    verdict=together.together("message_info.connection_info.smtp_reply_code event_info.success", _action),
    direction=together.together(
        "message_info.source.service message_info.destination.service message_info.connection_info.is_intra_domain "
        "message_info.connection_info.is_internal",
        _direction,
    ),
    authentication=together.together(
        "message_info.connection_info.dmarc_pass message_info.connection_info.dmarc_published_domain", _authentication
    ),
    readers={Col.FROM_NAME: mailtable.name},
)
"""Reads a record with ``event_info`` and ``message_info``."""
