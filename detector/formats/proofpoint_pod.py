r"""Proofpoint on Demand, Log API: the streams ``message`` and ``maillog``, one JSON object a line.

``message``, one mail:

- ``ts`` with an offset; ``connection.ip`` who brought it
- ``envelope.from``, ``envelope.rcpts`` (a list)
- ``msg.header`` and ``msg.normalizedHeader`` (lists of values by lower-case name: ``from``, ``subject`` …),
  ``msg.parsedAddresses`` (``from``, ``to`` …)
- ``filter.disposition`` ``continue`` (allowed), ``discard``, ``reject``, ``quarantine`` …; ``filter.quarantine.folder``
  where it was quarantined; ``filter.routeDirection`` inbound, outbound, internal
- ``filter.modules.dmarc.authResults`` a list of ``method`` and ``result``

``maillog``, one line of Sendmail with its fields in ``sm``: ``from`` and ``msgid``, or ``to`` and ``stat``; each is
an event that holds what the line holds: ``message`` has it all.

``{"guid":"…","ts":"2020-02-27T10:00:00.123456+0000","envelope":{"from":"no-reply@clearview.ai","rcpts":["…"]},…}``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Action, Col, Zone
from detector.grammars import mailcells, mailformat, mailtable, moments, rendering, together, verdicts

if TYPE_CHECKING:
    from detector.events import Row
    from detector.grammars.records import Cells

_DISPOSITION = verdicts.verdict(
    "disposition", denied="discard reject quarantine drop block", allowed="continue deliver"
)
_STATUS = verdicts.verdict("stat", denied="user~unknown service~unavail host~unknown data~format", allowed="sent")


def _action(folder: str, disposition: str, status: str) -> Action | None:
    if folder:
        return Action.DENIED
    found = _DISPOSITION.of(disposition)
    return _STATUS.of(status) if found is None else found


def _authentication(cells: Cells) -> str | None:
    results = mailcells.at_path(cells, ("filter", "modules", "dmarc", "authResults"))
    for one in results if isinstance(results, list) else []:
        if isinstance(one, dict) and one.get("method") == "dmarc":
            return mailtable.PASSED.get(str(one.get("result")).lower())
    return None


def _written(row: Row) -> dict[str, object]:
    to = row.get(Col.TO)
    return {
        "guid": "g-4242",
        "ts": rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.%f+0000"),
        "envelope.rcpts": to if isinstance(to, list) else [],
        "filter.disposition": "discard" if row.get(Col.ACTION) == Action.DENIED else "continue",
        "filter.routeDirection": str(row.get(Col.DIRECTION, "inbound")),
    }


FORMAT = mailformat.mail_format(
    "proofpoint_pod",
    "Proofpoint on Demand (Log API: message and maillog, JSON)",
    reference="unverified: https://help.proofpoint.com/ (Proofpoint on Demand Log API)",
    zone=Zone.OFFSET,
    mails=mailtable.table(
        {
            Col.SOURCE_IP: "connection.ip",
            Col.SENDER: "envelope.from sm.from",
            Col.FROM: "msg.parsedAddresses.from msg.normalizedHeader.from msg.header.from",
            Col.FROM_NAME: "msg.normalizedHeader.from msg.header.from",
            Col.TO: "envelope.rcpts sm.to msg.parsedAddresses.to msg.normalizedHeader.to",
            Col.SUBJECT: "msg.normalizedHeader.subject msg.header.subject",
            Col.MESSAGE_ID: "msg.normalizedHeader.message-id msg.header.message-id sm.msgid",
        },
        when=moments.stamp("ts"),
        verdict=together.together("filter.quarantine.folder filter.disposition sm.stat", _action),
        direction=mailtable.word("filter.routeDirection", mailtable.DIRECTIONS),
        authentication=_authentication,
    ),
    shape=mailformat.Shape(own="envelope filter|envelope msg|sm pps|sm ts|guid envelope", written=_written),
)
