r"""Sendmail: one mail is several syslog lines with one queue id; they are joined to one event per ``to=`` line.

The layout is ``<syslog header> sendmail[pid]: <queue id>: <key=value, …>`` (also ``sm-mta[pid]:``):

- ``from=<sender>, size=, class=, nrcpts=, msgid=<id>, proto=, daemon=, relay=host [ip]`` who brought it
- ``to=<a>,<b>, ctladdr=, delay=, xdelay=, mailer=, pri=, relay=, dsn=2.0.0, stat=Sent (reply)`` one try; ``Deferred``
  and ``queued`` are no action, everything else with a ``dsn`` of 5 is refused; ``mailer=local`` was delivered here
- ``AUTH=server, relay=host [ip], authid=user, mech=`` who had logged in
- ``ruleset=check_rcpt, arg1=<recipient>, relay=, reject=…``, ``Milter: data, reject=…`` and ``<recipient>... User
  unknown`` refused
- ``done; delay=`` ends the transaction

``Feb 27 10:00:00 mx1 sendmail[42]: 01RA00u1042: from=<no-reply@clearview.ai>, size=5360, class=0, nrcpts=1, …``
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from detector.events import Action, Col, Envelope, Kind, LogFormat, Zone
from detector.grammars import mailqueue, rendering, sendmail
from detector.grammars.fragments import Fragments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row

_OWN = re.compile(r"(?:sendmail|sm-\w+|sm-mta-\w+)(?:\[\d{1,10}\])?: ")
_TAGGED = re.compile(_OWN.pattern + sendmail.LINE.pattern, re.DOTALL)


def sniff(lines: Sequence[str]) -> float:
    """The share of lines that Sendmail wrote; none where a gateway that embeds it wrote some."""
    written = [line for line in lines if line.strip()]
    if any(" rprt s=" in line for line in written):
        return 0.0
    return sum(1 for line in written if re.search(r"(?:sendmail|sm-\w+)(?:\[\d+\])?: ", line)) / max(len(written), 1)


def example(row: Row) -> str:
    """All lines of one transaction."""
    at = rendering.written_at(row, "%Y-%m-%dT%H:%M:%SZ")
    key = f"01RA{zlib.crc32(repr(sorted(row.items())).encode()):010d}"
    to = row.get(Col.TO)
    recipient = to[0] if isinstance(to, list) and to else "postmaster@example.org"
    client = f"relay=mx.example.net [{row.get(Col.SOURCE_IP, '192.0.2.1')}]"
    mid = f" msgid=<{row[Col.MESSAGE_ID]}>," if Col.MESSAGE_ID in row else ""
    told = [f"AUTH=server, {client}, authid={row[Col.USER]}, mech=PLAIN, bits=0"] if Col.USER in row else []
    sender = row.get(Col.SENDER) or row.get(Col.FROM) or ""
    told += [f"from=<{sender}>, size=4242, class=0, nrcpts=1,{mid} proto=ESMTP, daemon=MTA, {client}"]
    status = "dsn=5.1.1, stat=User unknown" if row.get(Col.ACTION) == Action.DENIED else "dsn=2.0.0, stat=Sent (Ok)"
    told += [
        f"to=<{recipient}>, delay=00:00:01, mailer=esmtp, pri=30000, relay=mail.example.org. [10.0.0.25], {status}"
    ]
    return "\n".join(f"{at} mx1 sendmail[4242]: {key}: {text}" for text in told)


def _told(body: str, dialect: Dialect) -> Row | None:
    line = (_TAGGED if dialect.envelope is not Envelope.TAGGED else sendmail.LINE).match(body)
    return sendmail.fragment(line[1], line[2]) if line else None


_FRAGMENTS = Fragments(_told, _OWN.match, "neither a syslog header nor Sendmail's tag")
FORMAT = LogFormat(
    name="sendmail",
    kind=Kind.MAIL,
    title="Sendmail (syslog, joined by queue id)",
    reference="unverified: https://www.sendmail.org/~ca/email/doc8.12/op.html",
    parse=_FRAGMENTS.parse,
    timestamp=_FRAGMENTS.timestamp,
    block=_FRAGMENTS.block,
    example=example,
    columns=frozenset({
        Col.AT, Col.SOURCE_IP, Col.USER, Col.SENDER, Col.TO, Col.MESSAGE_ID, Col.DIRECTION, Col.ACTION,
    }),
    zone=Zone.LOCAL,
    join=mailqueue.join,
    sniff=sniff,
)  # fmt: skip
