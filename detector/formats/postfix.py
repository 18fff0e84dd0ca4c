r"""Postfix: one mail is several syslog lines with one queue id; they are joined to one event per recipient.

The layout is ``<syslog header> <syslog_name>/<service>[pid]: <queue id>: <what happened>``:

- ``<syslog_name>/<service>`` ``postfix/qmgr``, ``postfix-out/smtp``, ``postfix/submission/smtpd``; lines of other
  programs in the same file are passed over, but for the verdicts of ``opendkim`` and ``opendmarc``
- ``<queue id>`` short (hexadecimal) or long (``enable_long_queue_ids``); ``NOQUEUE`` where a mail was refused before it
  had one. Short ids are used again: ``removed`` (or a new client) ends a transaction
- ``client=host[ip], sasl_username=`` who brought it; ``uid= from=<>`` a program of this machine did
- ``message-id=<>`` from cleanup; ``warning|info|…: header Subject: … from host[ip]; from=<> to=<>`` from header_checks,
  cut at 200 characters, line ends of folded headers written as ``?``
- ``from=<>, size=, nrcpt=`` the envelope's sender each time that the queue manager takes it up
- ``to=<>, orig_to=<>, relay=, delay=, dsn=, status=sent|deferred|bounced (reply)`` one try for one recipient
- ``reject|discard|milter-reject: RCPT from host[ip]: reply; from=<> to=<>`` refused; so is a mail that is refused for
  now (4xx, greylisting): nothing says whether its sender came back

``Feb 27 10:00:00 mx1 postfix/qmgr[7]: 3F2A81C0B4: from=<no-reply@clearview.ai>, size=5360, nrcpt=1 (queue active)``

One event is one recipient that was delivered or finally refused, at the line that says so. Tries (``deferred``) are no
further events; a recipient that was only ever deferred gives one event without an action, at its first try, and a mail
whose tries are not in the log gives one where a line names sender and recipient. ``TO`` is the address that the sender
wrote, then the one that it led to. ``status=sent`` of the ``discard`` service (``relay=none``) is refused: nobody gets
it.

A content filter gives a mail back under a second queue id. Where Postfix knows that (``orig_queue_id=`` of a client on
the same machine, XFORWARD) the second transaction gives no events: the first one has the client, the user and the
headers. Where it does not, both do, with one message id. An alias that forwards (``forwarded as``) says no action; the
new transaction does.

DKIM counts as passed only where a signature's domain (if logged) is the sender's; DMARC outranks it.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Envelope, Kind, LogFormat, Zone, to_iso
from detector.events.envelope import instant, peel
from detector.grammars import mail, mailqueue, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row, Value
    from detector.events.envelope import Header

_LINE = re.compile(
    r"(?:([^\s:\[\]]{1,64})\[[^\]\s]{0,32}\]: |([^\s:\[\]/]{1,32}/[^\s:\[\]]{1,32}): )?"
    r"([0-9A-Za-z]{4,30}|proxy-reject): (.+)",
    re.DOTALL,
)
_TAG = re.compile(r"[^\s:\[\]]{1,64}\[\d{1,10}\]: ")
_TRY = re.compile(
    r"to=(?:<([^>]*)>|([^,]*)), (?:orig_to=(?:<([^>]*)>|([^,]*)), )?relay=([^,]*),"
    r"(?:.*?[ ,])??status=([\w-]+)(?: \((.*))?",
    re.DOTALL,
)
_CLIENT = re.compile(r"client=[^\s\[]*\[(?:IPv6:)?([^\]]*)\]")
_SASL = re.compile(r", sasl_username=([^,]+)")
_ORIGIN = re.compile(r", orig_client=[^\s\[,]*\[(?:IPv6:)?([^\]]*)\]")
_QUEUED = re.compile(r"from=<(.*?)>(?:, size=|, status=(?:force-)?(expired)|$)")
_PICKUP = re.compile(r"uid=\d+ from=<(.*?)>")
_MESSAGE_ID = re.compile(r"(?:resent-)?message-id=(.+)", re.DOTALL)
_TOLD = re.compile(r"(.*); (?=from=<|to=<)(?:from=<([^>]*)>,? ?)?(?:to=<([^>]*)>)?.*", re.DOTALL)
_FROM = re.compile(r"(\S+ from \S*?\[([^\]\s]*)\](?::\d+)?)")
_HEADER = re.compile(r"header ([\w-]+): (.*) from (?:local|\S*?\[([^\]\s]*)\](?::\d+)?)", re.DOTALL)
_FOLD = re.compile(r"\?=\?{1,2}[ \t]*(?==\?)")
_DKIM = re.compile(r"s=\S+ d=(\S+) (?:a=\S+ )?SSL ?(.*)|signature=\S* domain=(\S+) .*result=\"no signature error\"")
_DMARC = re.compile(r"\S+ (pass|fail)\s*")

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_KEPT = frozenset(
    "warning info hold filter prepend redirect replace strip bcc delay milter-hold".split()  # noqa: SIM905
)
_REFUSED = frozenset({"reject", "discard", "milter-reject", "milter-discard", "proxy-reject"})
_MAIL_VERBS = ("MAIL ", "RCPT ", "DATA ", "BDAT ", "END-OF-")
_PROBES = frozenset({"deliverable", "undeliverable", "undeliverable-but-not-cached"})
_LOCAL_RELAYS = frozenset(
    "local virtual lmtp dovecot dovecot-lmtp maildrop procmail cyrus zarafa kopano dbmail".split()  # noqa: SIM905
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to a fragment of its transaction; a fragment that holds its id alone ends the transaction."""
    if found := _LINE.fullmatch(line):
        return _fragment(found[1] or found[2], found[3], found[4])
    header = peel(line, Envelope.SYSLOG)
    if header is None:
        if not line or line.isspace() or dialect.envelope or _TAG.match(line):
            return None
        raise RefusedLine("neither a syslog header nor a program's tag")
    found = _LINE.fullmatch(header.body)
    row = _fragment(found[1] or found[2], found[3], found[4]) if found else None
    if row is None:
        return None
    if header.host:  # several servers may write into one file, each with its own queue ids
        row[Col.TRANSACTION] = f"{header.host} {row[Col.TRANSACTION]}"
    if (at := _instant(header, dialect)) is not None:
        row[Col.AT] = at
    return row


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The syslog header's, where it is still there."""
    header = peel(line, Envelope.SYSLOG)
    return None if header is None else _instant(header, dialect)


def sniff(lines: Sequence[str]) -> float:
    """The share of lines that a Postfix service wrote."""
    written = [line for line in lines if line.strip()]
    return sum(1 for line in written if re.search(r"postfix[^\s:\[\]]*/[\w-]+(?:\[\d+\])?: ", line)) / max(
        len(written), 1
    )


def example(row: Row) -> str:
    """All lines of one transaction under rsyslog's ISO header."""
    at = row.get(Col.AT, 0)
    stamp = to_iso(at if isinstance(at, int) else 0)
    queue_id = f"{zlib.crc32(repr(sorted(row.items())).encode()):08X}"
    to = row.get(Col.TO)
    sender = row.get(Col.SENDER) or row.get(Col.FROM) or ""
    recipient = to[0] if isinstance(to, list) and to else "postmaster@example.org"
    login = f", sasl_method=PLAIN, sasl_username={row[Col.USER]}" if Col.USER in row else ""
    envelope = f"from mx.example.org[192.0.2.1]; from=<{sender}> to=<{recipient}> proto=ESMTP helo=<mx.example.org>"
    status = "bounced (user unknown)" if row.get(Col.ACTION) == Action.DENIED else "sent (250 2.0.0 Ok)"
    relay = "mx1.example.org[private/lmtp]" if row.get(Col.DIRECTION) == "inbound" else "mx.example.net[192.0.2.25]:25"
    told = [("smtpd", f"client=mx.example.org[{row.get(Col.SOURCE_IP, '192.0.2.1')}]{login}")]
    told += [("cleanup", f"message-id=<{row[Col.MESSAGE_ID]}>")] if Col.MESSAGE_ID in row else []
    told += [("cleanup", f"warning: header From: {row[Col.FROM]} {envelope}")] if Col.FROM in row else []
    told += [("cleanup", f"warning: header Subject: {row[Col.SUBJECT]} {envelope}")] if Col.SUBJECT in row else []
    told += [
        ("qmgr", f"from=<{sender}>, size=4242, nrcpt=1 (queue active)"),
        ("smtp", f"to=<{recipient}>, relay={relay}, delay=0.5, delays=0.1/0/0.2/0.2, dsn=2.0.0, status={status}"),
        ("qmgr", "removed"),
    ]
    return "\n".join(f"{stamp} mx1 postfix/{service}[4242]: {queue_id}: {text}" for service, text in told)


def _instant(header: Header, dialect: Dialect) -> int | None:
    try:
        return instant(header, dialect)
    except RefusedLine:  # a line whose time alone is broken is kept
        return None


def _fragment(tag: str | None, queue_id: str, told: str) -> Row | None:
    if tag and "/" not in tag:
        return _verdict(tag, queue_id, told)
    if told.startswith("to="):
        return _try(tag or "", queue_id, told)
    if queue_id in ("NOQUEUE", "proxy-reject"):
        return _told(queue_id, told)
    if told.startswith("client="):
        return _client(queue_id, told)
    if told.startswith("removed"):
        return {Col.TRANSACTION: queue_id}
    cells: dict[Col, Value | None] = {}
    if found := _QUEUED.match(told):
        cells = {Col.SENDER: mail.address(found[1]), Col.ACTION: Action.DENIED if found[2] else None}
    elif found := _PICKUP.match(told):
        cells = {Col.SENDER: mail.address(found[1]), Col.DIRECTION: "outbound"}
    elif found := _MESSAGE_ID.match(told):
        cells = {Col.MESSAGE_ID: mail.decode_subject(_FOLD.sub("?= ", found[1])).strip("<> \r\n")}
    else:
        return _told(queue_id, told)
    row = values.row_of(cells)
    return {Col.TRANSACTION: queue_id, **row} if row else None


def _try(tag: str, queue_id: str, told: str) -> Row | None:
    found = _TRY.match(told)
    if not found:
        raise RefusedLine("a try without relay and status")
    relay, status, reply = found[5], found[6], found[7] or ""
    if status in _PROBES:
        return None
    to, written = found[1] or found[2] or "", found[3] or found[4] or ""
    recipients = mail.addresses(f"{written}, {to}" if written else to) or [values.lower(written or to)]
    row: Row = {Col.TRANSACTION: queue_id, Col.TO: recipients}
    if status == "bounced" or (status == "sent" and (relay == "none" or ", discarded" in reply)):
        row[Col.ACTION] = Action.DENIED
    elif status == "sent" and not reply.startswith("forwarded as"):
        row[Col.ACTION] = Action.ALLOWED
    if relay in _LOCAL_RELAYS or "[private/" in relay or (tag.endswith("/lmtp") and "queued as" not in reply):
        row[Col.DIRECTION] = "inbound"
    return row


def _client(queue_id: str, told: str) -> Row | None:
    found = _CLIENT.match(told)
    client = values.address(found[1]) if found else None
    if "orig_queue_id=" in told and client in _LOOPBACK:
        return {Col.TRANSACTION: queue_id, Col.DIRECTION: mailqueue.REQUEUED}
    login = _SASL.search(told)
    origin = _ORIGIN.search(told)
    user = values.user(login[1]) if login else None
    row = values.row_of(
        {
            Col.SOURCE_IP: (values.address(origin[1]) if origin else None) or client,
            Col.USER: user,
            Col.DIRECTION: "outbound" if user else None,
        }
    )
    return {Col.TRANSACTION: queue_id, **row} if row else None


def _told(queue_id: str, told: str) -> Row | None:
    """What smtpd, cleanup or a milter did with a mail or saw in its headers."""
    action, _, text = (queue_id, "", told) if queue_id == "proxy-reject" else told.partition(": ")
    refused = action in _REFUSED
    if not refused and action not in _KEPT and not action.startswith("milter-header-"):
        return None
    keys = _TOLD.fullmatch(text)
    about = keys[1] if keys else text
    sender, recipients = (mail.address(keys[2] or ""), mail.addresses(keys[3] or "")) if keys else (None, [])
    header = _HEADER.match(about)
    cells = _header(header[1].lower(), header[2]) if header else {}
    client = None if header else _FROM.match(about)
    row = values.row_of(
        {
            **cells,
            Col.SOURCE_IP: values.address(header[3] if header else client[2] if client else None),
            Col.SENDER: sender,
            Col.TO: (recipients if refused or sender else None) or None,
            Col.ACTION: Action.DENIED if refused else None,
        }
    )
    if not (sender or recipients or cells or (refused and about.startswith(_MAIL_VERBS))):
        return None
    if not refused or queue_id not in ("NOQUEUE", action):
        return {Col.TRANSACTION: queue_id, **row} if row and queue_id != "NOQUEUE" else None
    before = "" if queue_id == action else f"{action}: "
    return {Col.TRANSACTION: f"{queue_id}: {before}{client[1] if client else about.partition(':')[0]}", **row}


def _header(name: str, text: str) -> dict[Col, Value | None]:
    text = _FOLD.sub("?= ", text)
    if name == "subject":
        return {Col.SUBJECT: mail.decode_subject(text)}
    if name == "from":
        return {Col.FROM: mail.address(text), Col.FROM_NAME: mail.display_name(text)}
    return {}


def _verdict(program: str, queue_id: str, told: str) -> Row | None:
    verdict = None
    if program == "opendmarc":
        found = _DMARC.fullmatch(told)
        verdict = found[1] if found else None
    elif program != "opendkim":
        return None
    elif found := _DKIM.match(told):
        verdict = mailqueue.DKIM_FAIL if found[2] else mailqueue.SIGNED_BY + values.lower(found[1] or found[3])
    elif told.startswith("DKIM verification successful"):
        verdict = mailqueue.DKIM_PASS
    elif told.startswith(("bad signature data", "DKIM verification failed", "signature verification failed")):
        verdict = mailqueue.DKIM_FAIL
    return {Col.TRANSACTION: queue_id, Col.AUTHENTICATION: verdict} if verdict else None


_COLUMNS = frozenset({
    Col.AT, Col.SOURCE_IP, Col.USER, Col.SENDER, Col.FROM, Col.FROM_NAME, Col.TO, Col.SUBJECT, Col.MESSAGE_ID,
    Col.DIRECTION, Col.ACTION, Col.AUTHENTICATION,
})  # fmt: skip

FORMAT = LogFormat(
    name="postfix",
    kind=Kind.MAIL,
    title="Postfix (syslog or maillog_file, joined by queue id)",
    reference="unverified: https://www.postfix.org/header_checks.5.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=_COLUMNS,
    zone=Zone.LOCAL,
    join=mailqueue.join,
    sniff=sniff,
)
