r"""Proofpoint Protection Server: its filter's and its Sendmail's syslog lines, joined by mail.

Filter, ``<syslog header> filter_instance1[pid]: rprt s=<session> m=1 x=<session>-1 mod=… cmd=… key=value …``; ``x`` is
the mail, which gives one event with all its recipients:

- ``cmd=env_from value= ip=``, ``cmd=data from=`` (often both) the envelope's sender (and the client), ``cmd=headers
  hfrom=`` the header's
- ``cmd=env_rcpt r=1 value=``, ``cmd=data rcpt=`` a recipient
- ``cmd=msg … hdr_mid=<id> … hops-ip=<client> subject="…"``
- ``cmd=send … qid=<Sendmail's queue id> rcpts=a,b`` given to Sendmail: allowed
- ``cmd=dispose action=discard|reject|quarantine`` (also of ``cmd=msg``) refused; ``continue`` says nothing yet
- ``mod=dmarc cmd=run rule=pass|fail``

``Feb 27 10:00:00 pps1 filter_instance1[42]: rprt s=2hdryp02r6 m=1 x=2hdryp02r6-1 cmd=send qid=… rcpts=…``

Sendmail, as in the format ``sendmail``: ``… sendmail[pid]: <queue id>: to=<…>, …, stat=Sent``. The two tell the same
mail under two keys, so that a file with both gives both.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import kv, mail, mailqueue, mailsession, mailtable, rendering, sendmail, values
from detector.grammars.fragments import Fragments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detector.events import Dialect, Row

_FILTER = re.compile(r"(?:filter_instance\d*(?:\[\d{1,10}\])?: )?(?:rprt|info|warn|err|note) (s=.*)", re.DOTALL)
_SENDMAIL = re.compile(r"(?:[\w-]*sendmail[\w-]*|sm-\w+)(?:\[\d{1,10}\])?: (.*)", re.DOTALL)
_SENDERS, _RECIPIENTS = {"env_from": "value", "data": "from"}, {"env_rcpt": "value", "data": "rcpt"}
"""Commands to the field that names the envelope's sender, and recipients."""
_BY_CLIENT = frozenset({"connect", "env_from"})
"""Commands whose ``ip`` is the client's."""
# Looking a member up on its class costs 70 ns.
_TRANSACTION, _CLIENT, _FROM, _SENDER = Col.TRANSACTION, Col.SOURCE_IP, Col.FROM, Col.SENDER
_TO, _SUBJECT, _MESSAGE_ID, _ACTION = Col.TO, Col.SUBJECT, Col.MESSAGE_ID, Col.ACTION
_SENDER_ALONE = frozenset({_TRANSACTION, Col.AT, _SENDER})
_REFUSALS = frozenset({"discard", "reject", "quarantine", "redirect", "stop", "blackhole"})


def join(rows: Sequence[Row]) -> Iterable[tuple[int, Row]]:
    """The events of a mail: the filter's keys end with its number in the session, Sendmail's are queue ids."""
    by_filter = "-" in str(rows[0][Col.TRANSACTION]).rpartition(" ")[2] if rows else False
    return _mail_of_filter(rows) if by_filter else mailqueue.join(rows)


def _mail_of_filter(rows: Sequence[Row]) -> Iterable[tuple[int, Row]]:
    """The events of one mail, whose sender ``cmd=env_from`` and ``cmd=data`` both name."""
    kept: dict[int, Row] = {}
    sender = None
    for index, row in enumerate(rows):
        if Col.SENDER in row and row[Col.SENDER] == sender:
            if row.keys() <= _SENDER_ALONE:
                continue
            kept[index] = {name: cell for name, cell in row.items() if name is not Col.SENDER}
            continue
        sender = row.get(Col.SENDER, sender)
        kept[index] = row
    places = list(kept)
    for position, event in mailsession.join(list(kept.values())):
        yield places[position], event


def sniff(lines: Sequence[str]) -> float:
    """The share of lines of the filter and of Sendmail; none where no filter wrote."""
    written = [line for line in lines if line.strip()]
    if not any(" s=" in line and re.search(r"filter_instance|rprt s=", line) for line in written):
        return 0.0
    return sum(1 for line in written if re.search(r"filter_instance|rprt s=|sendmail|sm-mta", line)) / len(written)


def example(row: Row) -> str:
    """The filter's lines of one transaction."""
    at = rendering.written_at(row, "%Y-%m-%dT%H:%M:%SZ")
    key = f"2h{zlib.crc32(repr(sorted(row.items())).encode()):08x}"
    to = row.get(Col.TO)
    recipient = to[0] if isinstance(to, list) and to else "postmaster@example.org"
    client = row.get(Col.SOURCE_IP, "")
    subject = str(row.get(Col.SUBJECT, "")).replace("\\", "\\\\").replace('"', '\\"')
    told = [
        f"mod=mail cmd=env_from value={row.get(Col.SENDER) or row.get(Col.FROM) or ''} size=4242",
        f"mod=mail cmd=env_rcpt r=1 value={recipient} verified=t",
        f"mod=session cmd=headers hfrom={row.get(Col.FROM, '')}",
        f'mod=mail cmd=msg hdr_mid=<{row.get(Col.MESSAGE_ID, "")}> hops-ip={client} subject="{subject}"',
        "mod=session cmd=dispose module=spam rule=spam action=discard"
        if row.get(Col.ACTION) == Action.DENIED
        else f"cmd=send profile=mail qid=01RA00000042 rcpts={recipient}",
    ]
    return "\n".join(f"{at} pps1 filter_instance1[4242]: rprt s={key} m=1 x={key}-1 {text}" for text in told)


def _told(body: str, _dialect: Dialect) -> Row | None:
    if found := _FILTER.match(body):
        return _of_filter(kv.quoted(found[1]))
    if (found := _SENDMAIL.match(body)) and (line := sendmail.LINE.match(found[1])):
        return sendmail.fragment(line[1], line[2])
    return None


def _of_filter(cells: Mapping[str, str]) -> Row | None:
    key, command = cells.get("x"), cells.get("cmd", "")
    if not key:
        return None
    if command == "send":
        to = mail.addresses(cells.get("rcpts", ""))
        return {_TRANSACTION: key, _TO: to, _ACTION: Action.ALLOWED} if to else None
    if command == "run" and cells.get("mod") == "dmarc":
        verdict = mailtable.PASSED.get(cells.get("rule", cells.get("result", "")).lower())
        row = values.row_of({Col.AUTHENTICATION: verdict})
    else:
        row = _said(cells, command)
        if command in ("dispose", "msg") and cells.get("action", "").lower() in _REFUSALS:
            row[_ACTION] = Action.DENIED
    if not row:
        return None
    row[_TRANSACTION] = key
    return row


def _said(cells: Mapping[str, str], command: str) -> Row:
    row: Row = {}
    if (name := _SENDERS.get(command)) and (sender := mail.address(cells.get(name, ""))):
        row[_SENDER] = sender
    if (name := _RECIPIENTS.get(command)) and (to := mail.addresses(cells.get(name, ""))):
        row[_TO] = to
    if "hfrom" in cells and (author := mail.address(cells["hfrom"])):
        row[_FROM] = author
    if "subject" in cells and (subject := mail.decode_subject(cells["subject"])):
        row[_SUBJECT] = subject
    if "hdr_mid" in cells and (message_id := mailtable.message_id(cells["hdr_mid"])):
        row[_MESSAGE_ID] = message_id
    if client := values.address(cells.get("hops-ip") or (cells.get("ip") if command in _BY_CLIENT else None)):
        row[_CLIENT] = client
    return row


_FRAGMENTS = Fragments(
    _told,
    lambda line: _FILTER.match(line) or _SENDMAIL.match(line),
    "neither a syslog header nor a tag of the filter or of Sendmail",
)
FORMAT = LogFormat(
    name="proofpoint_pps_syslog",
    kind=Kind.MAIL,
    title="Proofpoint Protection Server (syslog of the filter and of Sendmail, joined)",
    reference="unverified: https://proofpointcommunities.force.com/ (Protection Server, syslog; behind a login)",
    parse=_FRAGMENTS.parse,
    timestamp=_FRAGMENTS.timestamp,
    block=_FRAGMENTS.block,
    example=example,
    columns=frozenset({
        Col.AT, Col.SOURCE_IP, Col.USER, Col.SENDER, Col.FROM, Col.TO, Col.SUBJECT, Col.MESSAGE_ID, Col.DIRECTION,
        Col.ACTION, Col.AUTHENTICATION,
    }),
    zone=Zone.LOCAL,
    join=join,
    sniff=sniff,
)  # fmt: skip
