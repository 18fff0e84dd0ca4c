r"""Gmail logs from BigQuery: exported rows as JSON, and rows of the query API (``f`` and ``v``, by position).

Exported, one event of one mail a row (also nested in ``gmail`` as in the Workspace activity table):

- ``event_info.timestamp_usec`` microseconds since the epoch, ``event_info.success``
- ``message_info.source`` ``address`` the envelope's, ``from_header_address`` and ``from_header_displayname`` the
  header's sender, ``service`` smtp-inbound for mail from outside
- ``message_info.destination`` a list of ``address`` and ``service`` (smtp-outbound for mail to outside)
- ``message_info.subject``, ``message_info.rfc2822_message_id`` in angle brackets
- ``message_info.connection_info`` ``client_ip``, ``dmarc_pass``, ``smtp_reply_code``, ``is_intra_domain``

``{"event_info":{"timestamp_usec":"1582797600123456","success":true,…},"message_info":{"subject":"Verify",…}}``

By position (``{"f":[{"v":…},…]}``, also in ``row``): the rows name no columns and their order is the schema's, which is
not there. What can be told by itself is read: the time (16 digits), the message id (in angle brackets), source and
destinations (records with an address and a service); the subject cannot.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Zone
from detector.grammars import gmail, mailformat
from detector.grammars.moments import at_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.events import Row
    from detector.grammars.records import Cells

_TIME = re.compile(r"1[2-9]\d{14}")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,600}@[^<>\s]{1,300}>")
_DEPTH = 12


def _unwrap(record: dict[str, object]) -> Cells | None:
    for name in ("row", "gmail"):
        inner = record.get(name)
        if isinstance(inner, dict) and ("f" in inner or "message_info" in inner):
            record = {**{key: record[key] for key in ("time_usec",) if key in record}, **inner}
    fields = record.get("f")
    return _by_position(fields) if isinstance(fields, list) else record


def _by_position(fields: list[object]) -> Cells:
    """A record with names from one without."""
    times: list[str] = []
    ids: list[str] = []
    parties: list[tuple[str, str, bool]] = []
    for leaves, is_listed in _groups(fields, 0, is_listed=False):
        times += [leaf for leaf in leaves if _TIME.fullmatch(leaf)]
        ids += [leaf for leaf in leaves if _MESSAGE_ID.fullmatch(leaf)]
        service = next((leaf for leaf in leaves if leaf in gmail.SERVICES), None)
        address = next((leaf for leaf in leaves if "@" in leaf and leaf[0] != "<" and " " not in leaf), None)
        if service and address:
            parties.append((address, service, is_listed))
    source = next(((address, service) for address, service, is_listed in parties if not is_listed), None)
    if not times or not (source or parties):
        raise RefusedLine("no row of Gmail's log")
    destination = [{"address": one, "service": service} for one, service, is_listed in parties if is_listed]
    return {
        "event_info": {"timestamp_usec": times[0]},
        "message_info": {
            "source": {"address": source[0], "service": source[1]} if source else {},
            "destination": destination,
            "rfc2822_message_id": ids[0] if ids else "",
        },
    }


def _groups(fields: object, depth: int, *, is_listed: bool) -> Iterator[tuple[list[str], bool]]:
    """The texts that each record holds itself, and whether it is a member of a list."""
    leaves: list[str] = []
    if not isinstance(fields, list) or depth > _DEPTH:
        return
    for field in fields:
        cell = field.get("v") if isinstance(field, dict) else None
        if isinstance(cell, str):
            leaves.append(cell)
        elif isinstance(cell, dict):
            yield from _groups(cell.get("f"), depth + 1, is_listed=False)
        elif isinstance(cell, list):
            for member in cell:
                inner = member.get("v") if isinstance(member, dict) else None
                if isinstance(inner, dict):
                    yield from _groups(inner.get("f"), depth + 1, is_listed=True)
    yield leaves, is_listed


def _written(row: Row) -> dict[str, object]:
    written: dict[str, object] = {
        "event_info.timestamp_usec": str(at_of(row) or 0),
        "event_info.success": row.get(Col.ACTION) != Action.DENIED,
        "message_info.source.service": "gmail-ui" if row.get(Col.DIRECTION) == "outbound" else "smtp-inbound",
    }
    to = row.get(Col.TO)
    service = "smtp-outbound" if row.get(Col.DIRECTION) == "outbound" else "gmail-ui"
    recipients = to if isinstance(to, list) else []
    return written | {"message_info.destination": [{"address": one, "service": service} for one in recipients]}


FORMAT = mailformat.mail_format(
    "google_gmail_bigquery",
    "Gmail logs in BigQuery (exported JSON, rows of the query API)",
    reference="unverified: https://support.google.com/a/answer/7230050",
    zone=Zone.UTC,
    mails=gmail.MAILS,
    shape=mailformat.Shape(own="event_info message_info|message_info time_usec", written=_written, unwrap=_unwrap),
)
