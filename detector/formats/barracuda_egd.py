r"""Barracuda Email Gateway Defense (Email Security Service, the cloud): mails as JSON behind a syslog header.

Written from memory. One record is one mail:

- ``timestamp`` ISO 8601 with an offset; ``src_ip`` who brought the mail
- ``env_from`` the envelope's, ``hdr_from`` the header's sender; ``hdr_to`` everybody whom the header names
- ``recipients`` a list with ``email`` and ``action`` (allowed, deferred, quarantined, blocked) of each: the mail is
  allowed where one of them got it (those that were refused are then none of its recipients), denied where all were
- ``subject``; ``message_id`` the product's own number, no header

``{"account_id":"ESS42","env_from":"no-reply@clearview.ai","recipients":[{"action":"allowed","email":"u1042@…"}],…}``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Action, Col, Zone
from detector.grammars import mailformat, mailtable, moments, records, rendering, verdicts

if TYPE_CHECKING:
    from detector.events import Row
    from detector.grammars.records import Cells

_VERDICT = verdicts.verdict("action", denied="block quarantin reject", allowed="allow deliver encrypt")


def _unwrap(record: dict[str, object]) -> Cells:
    """The record with those recipients that count, and what became of them."""
    told = record.get("recipients")
    parties = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    if not parties:
        return record
    counted = [one for one in parties if _VERDICT(one) is not Action.DENIED] or parties
    allowed = [one for one in counted if _VERDICT(one) is Action.ALLOWED] or counted
    to = [text for one in counted if (text := records.text_of(one.get("email")))]
    return {**record, "recipients": {"email": to}, "action": allowed[0].get("action")}


def _written(row: Row) -> dict[str, object]:
    action = "blocked" if row.get(Col.ACTION) == Action.DENIED else "allowed"
    to = row.get(Col.TO)
    return {
        "account_id": "ESS4242",
        "timestamp": rendering.written_at(row, "%Y-%m-%dT%H:%M:%S+0000"),
        "recipients": [{"action": action, "email": one} for one in to] if isinstance(to, list) else [],
    }


FORMAT = mailformat.mail_format(
    "barracuda_egd",
    "Barracuda Email Gateway Defense (Email Security Service, JSON)",
    reference="unverified: https://campus.barracuda.com/product/emailgatewaydefense/doc/96023037/syslog-integration/",
    zone=Zone.OFFSET,
    mails=mailtable.table(
        {
            Col.SOURCE_IP: "src_ip",
            Col.SENDER: "env_from",
            Col.FROM: "hdr_from",
            Col.FROM_NAME: "hdr_from",
            Col.TO: "recipients.email hdr_to",
            Col.SUBJECT: "subject",
        },
        when=moments.stamp("timestamp"),
        verdict=_VERDICT,
    ),
    shape=mailformat.Shape(
        own="env_from hdr_from|account_id hdr_from|account_id env_from", written=_written, unwrap=_unwrap
    ),
)
