r"""Fortinet FortiMail: history, spam, virus and event logs as ``key=value``, joined by session.

The layout is ``date=2020-02-27 time=10:00:00.123 device_id=… log_id=… type=… [subtype=…] pri=… session_id="…" …``,
blanks between the pairs, or commas where the device is set to CSV; behind a syslog header or without one. One event is
one recipient, or one line of the history:

- ``date``, ``time`` local time
- ``type=statistics`` (history), ``spam``, ``virus``: ``from``, ``to``, ``subject``, ``client_ip`` (or in brackets in
  ``client_name``), ``direction`` in or out, ``message_id``, ``disposition`` Accept; Reject, Discard, Bounce and
  Quarantine (also among others) are refused; Delay is no action
- ``type=event subtype=smtp``: ``msg`` holds a line of Sendmail, see the format ``sendmail``:
  ``msg="to=<u1042@example.org>, delay=00:00:06, …, stat=Sent (ok)"``

``date=2020-02-27 time=10:00:00.123 device_id=FE-1 log_id=0200001042 type=statistics pri=information …``
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

import stringzilla

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import kv, mailqueue, mailtable, moments, rendering, sendmail, shapes, values, verdicts
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detector.events import Dialect, Row, Taken
    from detector.grammars.records import Cells

_OWN = frozenset({"device_id", "log_id", "type"})
_TYPES = frozenset(
    {"event", "statistics", "history", "spam", "antispam", "virus", "antivirus", "encrypt", "encryption"}
)
_MARK = ",device_id="
_COMMAS = re.compile(rf"date=\"?[\d-]{{8,10}}\"?,|{_MARK}")
_REFUSED = re.compile(r"reject|discard|quarantine|bounce|block", re.IGNORECASE)
_TAKEN = re.compile(r"accept|relay|deliver|none|insert|modify|replace|encrypt", re.IGNORECASE)


def _verdict(said: str) -> Action | None:
    if _REFUSED.search(said):
        return Action.DENIED
    return Action.ALLOWED if _TAKEN.search(said) and "delay" not in said.lower() else None


def _key(cells: Cells) -> str:
    return str(cells.get("session_id") or "").strip() or f"{cells.get('type')}: {cells.get('log_id')}"


_MAILS = mailtable.table(
    {
        Col.SOURCE_IP: "client_ip client_name src",
        Col.SENDER: "from",
        Col.FROM: "header_from hfrom",
        Col.FROM_NAME: "header_from hfrom",
        Col.TO: "to",
        Col.SUBJECT: "subject",
        Col.MESSAGE_ID: "message_id",
        Col.TRANSACTION: "session_id",
    },
    when=moments.parts("date", "time"),
    verdict=verdicts.told("disposition", _verdict),
    direction=mailtable.word("direction", mailtable.DIRECTIONS),
    readers={Col.SOURCE_IP: values.bracketed, Col.TRANSACTION: lambda text: text.strip() or None},
    derived={Col.TRANSACTION: _key},
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to a fragment of its session."""
    if not line or line.isspace():
        return None
    cells = _cells(line)
    if not _is_own(cells):
        raise RefusedLine("no names of FortiMail's logs")
    if "from" in cells or "to" in cells:
        return _MAILS.row(cells, dialect)
    row = sendmail.fragment(_key(cells), cells.get("msg", ""))
    if row is not None and (at := _MAILS.when(cells, dialect)) is not None:
        row[Col.AT] = at
    return row


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """The cells of a line that is a mail; others are read one by one."""
    cells = _cells(line)
    return cells if _is_own(cells) and ("from" in cells or "to" in cells) else None


_READER = Reader(_record, _MAILS, Layouts((shapes.quoted(),), "type"))


def block(lines: Sequence[str], dialect: Dialect) -> Taken | None:
    """Many mails at once; a line that says more of dates and devices than its first pair may have commas."""
    whole = "\n".join(("", *lines))
    if stringzilla.find(whole, _MARK) >= 0 or stringzilla.count(whole, "date=") > stringzilla.count(whole, "\ndate="):
        lines = ["" if _MARK in line or line.find("date=", 1) >= 0 else line for line in lines]
    return _READER.block(lines, dialect)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The line's own date and time."""
    return _MAILS.when(_cells(line), dialect)


def sniff(lines: Sequence[str]) -> float:
    """All or nothing: the pairs of other devices of the vendor look alike."""
    written = [line for line in lines if line.strip()]
    return float(any("session_id=" in line for line in written))


def example(row: Row) -> str:
    """A line of the history log."""
    session = f"01RA{zlib.crc32(repr(sorted(row.items())).encode()):08X}"
    to = row.get(Col.TO)
    return kv.join(
        {
            "date": rendering.written_at(row, "%Y-%m-%d"),
            "time": rendering.written_at(row, "%H:%M:%S.%f")[:-3],
            "device_id": "FE-4242",
            "log_id": "0200001042",
            "type": "statistics",
            "pri": "information",
            "session_id": f"{session}-{session}",
            "client_name": f"[{row.get(Col.SOURCE_IP, '192.0.2.1')}]",
            "from": str(row.get(Col.SENDER) or row.get(Col.FROM) or ""),
            "to": ",".join(to) if isinstance(to, list) else "",
            "subject": str(row.get(Col.SUBJECT, "")),
            "message_id": str(row.get(Col.MESSAGE_ID, "")),
            "direction": "out" if row.get(Col.DIRECTION) == "outbound" else "in",
            "disposition": "Discard" if row.get(Col.ACTION) == Action.DENIED else "Accept",
        }
    )


def _is_own(cells: Mapping[str, str]) -> bool:
    return cells.keys() >= _OWN and cells["type"] in _TYPES and "devid" not in cells


def _cells(line: str) -> dict[str, str]:
    if line[0] == "<":
        line = line[line.find(">") + 1 :]  # a priority without a header
    return kv.quoted(line, "," if _COMMAS.search(line, 0, 400) else " ")


FORMAT = LogFormat(
    name="fortimail",
    kind=Kind.MAIL,
    title="Fortinet FortiMail (history, spam, virus and event logs, joined by session)",
    reference="unverified: https://docs.fortinet.com/product/fortimail (Log Message Reference)",
    parse=parse,
    timestamp=timestamp,
    block=block,
    example=example,
    columns=_MAILS.columns | {Col.USER},
    zone=Zone.LOCAL,
    join=mailqueue.join,
    sniff=sniff,
)
