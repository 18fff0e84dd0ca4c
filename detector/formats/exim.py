r"""Exim main log: one mail is several lines with one message id; they are joined to one event per recipient.

The layout is ``<date> <time>[.ms][ ±zone] [[pid] ]<message id> <flag> <address> <fields>``; with
``log_file_path = syslog`` the same behind a syslog header and ``exim[pid]:``, with or without Exim's own time:

- message id ``1j7FeK-0003cX-Qk`` (6-6-2) or ``1j7FeK-00000003cXQ-0Qk7`` (6-11-4 since Exim 4.97)
- ``<= sender`` arrival: ``H=name (helo) [ip]`` who brought it, ``A=authenticator:user`` who had logged in, ``U=`` the
  local user (``P=local``), ``id=`` the message id of the header, ``T="…"`` the subject (``+subject``, quotes and
  backslashes escaped, bytes as octal), ``for a@b c@d`` the recipients (``+received_recipients``), ``DKIM=`` a domain
  that signed
- ``=>`` delivery, ``->`` of the same delivery to a further recipient, ``>>`` cut-through; the address that it led to,
  then the one that the sender wrote in ``<>``; without ``H=`` it was delivered on this machine; ``F=<sender>``
- ``**`` failed for good, ``:blackhole:`` discarded: refused; ``==`` deferred, ``*>`` not really delivered: no action
- ``Completed`` ends the transaction
- ``H=… F=<sender> rejected RCPT <recipient>: reason`` (``MAIL <sender>``, ``after DATA`` under the id that was meant)
  refused before there was a mail; so is what is refused for now; old versions write both addresses without ``<>``.
  ``I=[ip]:port`` is this server's own side, never the client
- ``DKIM: d=… [verification succeeded]``, ``DMARC results: … spf_align=yes dkim_align=no enforcement='Accept'``

``2020-02-27 10:00:00 1j7FeK-0003cX-Qk <= no-reply@clearview.ai H=mx.clearview.ai [192.0.2.7] P=esmtps S=5360 …``

A failed login (``… authenticator failed for … [ip]: … (set_id=user)``) is an event of the kind ``login``.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Envelope, Kind, LogFormat, Zone, stamps
from detector.events.envelope import known_instant, peel
from detector.grammars import mail, mailqueue, mailtable, rendering, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?(?: [+-]\d{4})?"
_ID = r"[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})"
_LINE = re.compile(
    rf"(?P<tag>exim[\w-]*(?:\[\d{{1,10}}\])?: )?(?:(?P<at>{_STAMP}) )?(?:\[\d{{1,10}}\] )?(?:(?P<id>{_ID}) )?"
    r"(?P<told>.*)",
    re.DOTALL,
)
_ARRIVAL = re.compile(r"<= (<>|\"(?:[^\"\\]|\\.)*\"@\S+|\S+)(.*)", re.DOTALL)
_SUBJECT = re.compile(r' T="((?:[^"\\]|\\.)*)(?:"|$)', re.DOTALL)
_HOST = re.compile(r"(?:^| )H=.{0,600}?(?<=[ =])\[([0-9A-Fa-f.:]{2,45})\]", re.DOTALL)
_REMOTE = re.compile(r"(?:^| )H=\S")
_LOGIN = re.compile(r" A=[^\s:]+:(\S+)")
_LOCAL = re.compile(r" U=(\S+) P=local\b")
_MESSAGE_ID = re.compile(r" id=(\S+)")
_SIGNED = re.compile(r" DKIM=([^\s,]+)")
_TRY = re.compile(
    r"(=>|->|>>|\*>|\*\*|==|\(=) (:[a-z]+:|[|/].*?|\"[^\"]{1,64}\"@\S+|\S+?):?(?: <([^<>]*)>:?)?(?: (.*)|$)", re.DOTALL
)
_SENDER = re.compile(r"(?:^| )F=(?:<([^<>]*)>|([^\s<>]+@[^\s<>]+))")
_REJECTED = re.compile(
    r"(.*?) (?:temporarily )?rejected (?P<at>RCPT|DATA|after DATA|MAIL|by local_scan\(\))[: ]+"
    r"(?:<([^<>]*)>|([^\s<>]+@[^\s<>:]+))?",
    re.DOTALL,
)
_FAILED_LOGIN = re.compile(
    r"\S+ authenticator failed for .{0,600}?\[([0-9A-Fa-f.:]{2,45})\](?::\d+)?(?: I=\[[^\[\]]*\](?::\d+)?)?: (.*)",
    re.DOTALL,
)
_SET_ID = re.compile(r"\(set_id=([^)]*)\)")
_DKIM = re.compile(r"DKIM: d=(\S+) .*\[(verification succeeded|invalid|verification failed)", re.DOTALL)
_DMARC = re.compile(r"DMARC results: .*spf_align=(\w+) dkim_align=(\w+) enforcement='([^']*)'")
_ESCAPE = re.compile(r"((?:\\[0-3][0-7]{2})+)|\\([\\\"nrt])")
_OCTET = re.compile(r"\\([0-3][0-7]{2})")
_BLANKS = {"n": " ", "r": " ", "t": " "}
_DELIVERED = frozenset({"=>", "->", ">>"})
_FLAGS = frozenset({*_DELIVERED, "**", "*>", "==", "(="})


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to a fragment of its transaction; a fragment that holds its id alone ends the transaction."""
    if not line or line.isspace():
        return None
    found = _LINE.match(line)
    if found is not None and (found["tag"] or found["at"]):
        row = _fragment(found["id"], found["told"])
        if row is not None and found["at"] and (at := stamps.known_iso(found["at"], dialect.zone)) is not None:
            row[Col.AT] = at
        return row
    if dialect.envelope:  # without a tag only the id tells an Exim line from those of other programs
        return _fragment(found["id"], found["told"]) if found is not None and found["id"] else None
    header = peel(line, Envelope.SYSLOG)
    if header is None:
        raise RefusedLine("neither Exim's time nor a syslog header")
    found = _LINE.match(header.body)
    row = _fragment(found["id"], found["told"]) if found is not None and found["tag"] else None
    if row is None or found is None:
        return None
    if header.host:  # several servers may write into one file
        row[Col.TRANSACTION] = f"{header.host} {row[Col.TRANSACTION]}"
    own = found["at"]
    at = stamps.known_iso(own, dialect.zone) if own else known_instant(header, dialect)
    if at is not None:
        row[Col.AT] = at
    return row


def timestamp(line: str, dialect: Dialect) -> int | None:
    """Exim's own time, else the syslog header's."""
    found = _LINE.match(line)
    if found is not None and found["at"]:
        return stamps.known_iso(found["at"], dialect.zone)
    header = None if dialect.envelope else peel(line, Envelope.SYSLOG)
    if header is None:
        return None
    found = _LINE.match(header.body)
    own = None if found is None else found["at"]
    return stamps.known_iso(own, dialect.zone) if own else known_instant(header, dialect)


def example(row: Row) -> str:
    """All lines of one transaction."""
    at = rendering.written_at(row, "%Y-%m-%d %H:%M:%S")
    key = f"{zlib.crc32(repr(sorted(row.items())).encode()):08d}"[:6]
    sender = row.get(Col.SENDER) or row.get(Col.FROM) or "<>"
    to = row.get(Col.TO)
    recipient = to[0] if isinstance(to, list) and to else "postmaster@example.org"
    login = f" A=plain:{row[Col.USER]}" if Col.USER in row else ""
    subject = str(row.get(Col.SUBJECT, "")).replace("\\", "\\\\").replace('"', '\\"')
    told = [
        f"<= {sender} H=mx.example.net [{row.get(Col.SOURCE_IP, '192.0.2.1')}] P=esmtps{login} S=4242"
        + (f" id={row[Col.MESSAGE_ID]}" if Col.MESSAGE_ID in row else "")
        + (f' T="{subject}"' if subject else "")
        + f" for {recipient}",
        f"** {recipient} R=dnslookup T=remote_smtp: user unknown"
        if row.get(Col.ACTION) == Action.DENIED
        else f'=> {recipient} R=dnslookup T=remote_smtp H=mx.example.org [10.0.0.25] C="250 Ok"',
        "Completed",
    ]
    return "\n".join(f"{at} 1j{key[:4]}-{key}-Qk {text}" for text in told)


def _fragment(key: str | None, told: str) -> Row | None:
    if key is None:
        return _told(told)
    flag = told[:2]
    if flag == "<=":
        row = _arrival(told)
    elif flag in _FLAGS:
        row = _try(told)
    elif told.startswith("Completed"):
        row = {}
    elif verdict := _verdict(told):
        row = {Col.AUTHENTICATION: verdict}
    elif found := _REJECTED.match(told):
        row = {**_client(found[1]), Col.ACTION: Action.DENIED}
    else:
        return None
    return None if row is None else {Col.TRANSACTION: key, **row}


def _arrival(told: str) -> Row | None:
    found = _ARRIVAL.match(told)
    if found is None:
        raise RefusedLine("an arrival without a sender")
    fields = found[2]
    subject = _SUBJECT.search(fields)
    if subject:  # what a sender wrote must not be read as fields
        fields = fields[: subject.start()] + fields[subject.end() :]
    sender = mail.address(found[1]) or (None if found[1] == "<>" else values.lower(found[1]))
    host, login, local = _HOST.search(fields), _LOGIN.search(fields), _LOCAL.search(fields)
    mid, signed = _MESSAGE_ID.search(fields), _SIGNED.search(fields)
    user = values.user((login or local or [None, None])[1]) if sender else None  # Exim's own user sends bounces
    _, _, recipients = fields.partition(" for ")
    return values.row_of(
        {
            Col.SENDER: sender,
            Col.SOURCE_IP: values.address(host[1]) if host else None,
            Col.USER: user,
            Col.MESSAGE_ID: mailtable.message_id(mid[1]) if mid else None,
            Col.SUBJECT: mail.decode_subject(_unescaped(subject[1])) if subject else None,
            Col.TO: (mail.addresses(recipients) if sender else None) or None,
            Col.DIRECTION: "outbound" if user else None,
            Col.AUTHENTICATION: f"{mailqueue.PASSED_BY}{values.lower(signed[1])}" if signed else None,
        }
    )


def _try(told: str) -> Row | None:
    found = _TRY.match(told)
    if found is None:
        raise RefusedLine("a delivery without an address")
    flag, got, written, fields = found[1], found[2], found[3] or "", found[4] or ""
    recipients = mail.addresses(f"{written}, {got}") or [values.lower(written or got)]
    row: Row = {Col.TO: recipients}
    if flag == "**" or (flag in _DELIVERED and got == ":blackhole:"):
        row[Col.ACTION] = Action.DENIED
    elif flag in _DELIVERED:
        row[Col.ACTION] = Action.ALLOWED
        if not _REMOTE.search(fields):
            row[Col.DIRECTION] = "inbound"
    sender = _SENDER.search(fields)
    if sender and (address := mail.address(sender[1] or sender[2] or "")) and Col.ACTION in row:
        row[Col.SENDER] = address
    return row


def _told(told: str) -> Row | None:
    """What happened to a mail that had no id yet, or to a login."""
    if found := _FAILED_LOGIN.match(told):
        name = _SET_ID.search(found[2])
        row: Row = {Col.KIND: Kind.LOGIN.value, Col.SOURCE_IP: found[1], Col.ACTION: Action.DENIED}
        if name and (user := values.user(name[1])):
            row[Col.USER] = user
        return {Col.TRANSACTION: f"login: {found[1]}", **row}
    if not (found := _REJECTED.match(told)):
        return None
    row = {Col.ACTION: Action.DENIED, **_client(found[1])}
    named = mail.addresses(found[3] or found[4] or "")
    if named and found["at"] == "RCPT":
        row[Col.TO] = named
    elif named and found["at"] == "MAIL":
        row.setdefault(Col.SENDER, named[0])
    about = named[0] if Col.TO in row else row.get(Col.SENDER)
    return {Col.TRANSACTION: f"refused: {about}", **row} if about else None


def _client(text: str) -> Row:
    host, sender, login = _HOST.search(text), _SENDER.search(text), _LOGIN.search(text)
    return values.row_of(
        {
            Col.SOURCE_IP: values.address(host[1]) if host else None,
            Col.SENDER: mail.address(sender[1] or sender[2] or "") if sender else None,
            Col.USER: values.user(login[1]) if login else None,
        }
    )


def _verdict(told: str) -> str | None:
    if found := _DKIM.match(told):
        return mailqueue.PASSED_BY + values.lower(found[1]) if "succeeded" in found[2] else mailqueue.DKIM_FAIL
    if found := _DMARC.match(told):
        if "yes" in (found[1], found[2]):
            return "pass"
        return "fail" if found[3].lower() in ("reject", "quarantine") else None
    return None


def _unescaped(text: str) -> str:
    r"""Exim's escapes undone: octal bytes are UTF-8."""
    return _ESCAPE.sub(_letter, text) if "\\" in text else text


def _letter(found: re.Match[str]) -> str:
    if found[1]:
        return bytes(int(octet, 8) for octet in _OCTET.findall(found[1])).decode("utf-8", "replace")
    return _BLANKS.get(found[2], found[2])


FORMAT = LogFormat(
    name="exim",
    kind=Kind.MAIL,
    title="Exim (main log or syslog, joined by message id)",
    reference="unverified: https://www.exim.org/exim-html-current/doc/html/spec_html/ch-log_files.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({
        Col.AT, Col.KIND, Col.SOURCE_IP, Col.USER, Col.SENDER, Col.TO, Col.SUBJECT, Col.MESSAGE_ID, Col.DIRECTION,
        Col.ACTION, Col.AUTHENTICATION,
    }),
    zone=Zone.LOCAL,
    join=mailqueue.join,
)  # fmt: skip
