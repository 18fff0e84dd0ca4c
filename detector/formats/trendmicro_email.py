r"""Trend Micro Email Security: mail tracking and policy events as JSON (API and syslog forwarder) and as CEF.

One record is one recipient:

- ``genTime`` when the record was made, ``timestamp`` when the mail was received: the mail's time; ISO 8601
- ``sender`` the envelope's, ``headerFrom`` the header's sender
- ``recipient`` (or ``recipients``) the envelope's, ``headerTo`` everybody whom the header names: both count
- ``senderIP`` who brought the mail, ``deliveredTo`` who got it; ``subject``, ``messageID`` in angle brackets
- ``direction`` in or out
- ``action`` Delivered, Bounced, Quarantined, Deleted, Expired, Redirected, ``Temporary delivery error``;
  policy events have a list ``policyAction``
- CEF of the products ``TMES`` and Deep Discovery Email Inspector: ``rt`` without a zone, ``suser``, ``duser``, ``src``,
  ``msg`` the subject, ``act``, and in labelled fields ``direction``, ``messageId``, ``policyAction``

``{"genTime":"2020-02-27T10:00:05Z","timestamp":"2020-02-27T10:00:00Z","sender":"no-reply@clearview.ai",…}``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Action, Col, Zone
from detector.grammars import cef, mailformat, mailtable, moments, rendering, verdicts

if TYPE_CHECKING:
    from detector.events import Row
    from detector.grammars.records import Cells


_PRODUCTS = ("|TMES|", "|Deep Discovery Email Inspector|")


def _of_cef(line: str) -> Cells | None:
    message = cef.find(line) if line[:1] != "{" and any(map(line.__contains__, _PRODUCTS)) else None
    return message.fields if message is not None and message.vendor.startswith("Trend") else None


def _written(row: Row) -> dict[str, object]:
    return {
        "genTime": rendering.written_at(row, "%Y-%m-%dT%H:%M:%SZ"),
        "timestamp": rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.%fZ"),
        "mailID": "c0ffee00-0000-4000-8000-000000004242",
        "action": "Quarantined" if row.get(Col.ACTION) == Action.DENIED else "Delivered",
        "direction": "out" if row.get(Col.DIRECTION) == "outbound" else "in",
    }


FORMAT = mailformat.mail_format(
    "trendmicro_email",
    "Trend Micro Email Security (mail tracking and policy events, JSON, CEF)",
    reference="unverified: https://docs.trendmicro.com/en-us/documentation/article/trend-micro-email-security-online-help",
    zone=Zone.OFFSET,
    mails=mailtable.table(
        {
            Col.SOURCE_IP: "senderIP src",
            Col.SENDER: "sender mailFrom suser",
            Col.FROM: "headerFrom",
            Col.FROM_NAME: "headerFrom",
            Col.TO: "recipient recipients rcptTo duser +headerTo",
            Col.SUBJECT: "subject msg",
            Col.MESSAGE_ID: "messageID messageId",
        },
        when=moments.stamp("timestamp genTime eventTime deliveryTime rt"),
        verdict=verdicts.verdict(
            "action policyAction act",
            denied="bounce quarantine delete reject block expire undeliver~ fail",
            allowed="deliver accept redirect bypass tag~ stamp",
        ),
        direction=mailtable.word("direction", mailtable.DIRECTIONS),
    ),
    shape=mailformat.Shape(
        own="genTime sender|mailID sender|genTime headerFrom|mailID recipient", written=_written, text=_of_cef
    ),
)
