r"""Hornetsecurity 365 Total Protection: tracked mails ("Email Live Tracking") as JSON of its API and SIEM connector.

Written from memory, several spellings of a field side by side:

- ``date`` ISO 8601, UTC where no zone is written
- ``owner`` the house's own mailbox, ``comm_partner`` the other one; ``direction`` 1 (incoming) or 2 (outgoing) says who
  of them wrote; or ``from`` and ``to``
- ``subject``, ``message_id`` (``msg_id`` is the product's own number), ``source_ip`` (``client_ip``)
- ``status`` Delivered, Quarantined, Rejected, Deferred …; ``classification`` (``reason``) is no action

``{"es_mail_id":"…","date":"2020-02-27 10:00:00","owner":"u1042@example.org","comm_partner":"help@clearview.ai",…}``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Action, Col, Zone
from detector.grammars import mailformat, mailtable, moments, rendering, verdicts

if TYPE_CHECKING:
    from detector.events import Row
    from detector.grammars.records import Cells

_DIRECTION = mailtable.word("direction", {**mailtable.DIRECTIONS, "1": "inbound", "2": "outbound"})


def _unwrap(record: dict[str, object]) -> Cells | None:
    """The record with ``from`` and ``to`` in the place of owner and partner."""
    owner, partner = record.get("owner"), record.get("comm_partner")
    if owner is None or partner is None:
        return record
    out = _DIRECTION(record) == "outbound"
    return {"from": owner if out else partner, "to": partner if out else owner, **record}


def _written(row: Row) -> dict[str, object]:
    outbound = row.get(Col.DIRECTION) == "outbound"
    to = row.get(Col.TO)
    recipient = to[0] if isinstance(to, list) and to else ""
    sender = row.get(Col.SENDER) or row.get(Col.FROM) or ""
    return {
        "es_mail_id": "4242",
        "date": rendering.written_at(row, "%Y-%m-%d %H:%M:%S"),
        "owner": sender if outbound else recipient,
        "comm_partner": recipient if outbound else sender,
        "direction": 2 if outbound else 1,
        "status": "Rejected" if row.get(Col.ACTION) == Action.DENIED else "Delivered",
    }


FORMAT = mailformat.mail_format(
    "hornetsecurity",
    "Hornetsecurity 365 Total Protection (Email Live Tracking, JSON)",
    reference="unverified: https://docs.hornetsecurity.com/",
    zone=Zone.UTC,
    mails=mailtable.table(
        {
            Col.SOURCE_IP: "source_ip client_ip source_hostname",
            Col.SENDER: "envelope_from from sender",
            Col.FROM: "header_from",
            Col.FROM_NAME: "header_from",
            Col.TO: "to recipient recipients",
            Col.SUBJECT: "subject",
            Col.MESSAGE_ID: "message_id mail_message_id",
        },
        when=moments.stamp("date received timestamp"),
        verdict=verdicts.verdict(
            "status", denied="quarant reject block drop bounce invalid virus", allowed="deliver clean accept sent"
        ),
        direction=_DIRECTION,
    ),
    shape=mailformat.Shape(
        own="comm_partner owner|es_mail_id subject|comm_partner subject", written=_written, unwrap=_unwrap
    ),
)
