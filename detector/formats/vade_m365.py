r"""Vade for Microsoft 365 (Hornetsecurity): its email events as JSON, one mail a line.

- ``date`` UTC
- ``from`` the envelope's, ``from_header`` the header's sender; ``to`` the recipient, ``to_header`` the header's
- ``subject``, ``message_id`` in angle brackets, ``sender_ip``
- ``status`` LEGIT, SPAM, PHISHING, MALWARE, SCAM … is a class, no action
- ``action`` NOTHING (the mail was left where it is: delivered), MOVE (to ``folder``: delivered there, refused in a
  quarantine or the deleted items), DELETE, QUARANTINE
- ``remediation_type`` none, auto, manual: what was done later

``{"id":"c9q1","date":"2020-02-27T10:00:00.123Z","sender_ip":"192.0.2.7","from":"no-reply@clearview.ai",…}``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Action, Col, Zone
from detector.grammars import mailformat, mailtable, moments, rendering, verdicts

if TYPE_CHECKING:
    from detector.events import Row


def _written(row: Row) -> dict[str, object]:
    return {
        "id": "c9q1u1042",
        "date": rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.%fZ"),
        "status": "LEGIT",
        "action": "DELETE" if row.get(Col.ACTION) == Action.DENIED else "NOTHING",
    }


FORMAT = mailformat.mail_format(
    "vade_m365",
    "Vade for Microsoft 365 (email events, JSON)",
    reference="unverified: https://m365.eu.vadesecure.com/ (API documentation behind a login)",
    zone=Zone.UTC,
    mails=mailtable.table(
        {
            Col.SOURCE_IP: "sender_ip",
            Col.SENDER: "from",
            Col.FROM: "from_header",
            Col.FROM_NAME: "from_header",
            Col.TO: "to to_header",
            Col.SUBJECT: "subject",
            Col.MESSAGE_ID: "message_id",
        },
        when=moments.stamp("date"),
        verdict=verdicts.verdict("action", denied="delete quarantine block", allowed="nothing none move~to~junk"),
    ),
    shape=mailformat.Shape(own="from_header to|from to sender_ip|from to remediation_type", written=_written),
)
