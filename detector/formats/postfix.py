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
- ``reject|discard|milter-reject: RCPT from host[ip]: reply; from=<> to=<>`` refused (``reject`` of Postfix 1 without an
  id); so is a mail that is refused for now (4xx, greylisting): nothing says whether its sender came back
- ``warning: host[ip]: SASL LOGIN authentication failed: reason[, sasl_username=user]`` an event of the kind ``login``

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
from detector.events.envelope import known_instant, peel
from detector.grammars import mail, mailqueue, opendkim, values
from detector.grammars.fragments import Fragments, headed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row

_LINE = re.compile(
    r"(?:([^\s:\[\]]{1,64}+)\[[^\]\s]{0,32}+\]: |([^\s:\[\]/]{1,32}+/[^\s:\[\]]{1,32}+): )?"
    r"([0-9A-Za-z]{4,30}+|proxy-reject): (?=.)",
    re.DOTALL,
)
_SERVICE = re.compile(r"postfix[^\s:\[\]]*/[\w-]+(?:\[\d+\])?: ")
_TAG = re.compile(r"[^\s:\[\]]{1,64}\[\d{1,10}\]: ")
_TRY = re.compile(
    r"to=(?:<([^>]*)>|([^,]*)), (?:orig_to=(?:<([^>]*)>|([^,]*)), )?relay=([^,]*),"
    r"(?:.*?[ ,])??status=([\w-]+)(?: \((.*))?",
    re.DOTALL,
)
_CLIENT = re.compile(r"client=[^\s\[]*\[(?:IPv6:)?([^\]]*)\]")
_SASL = re.compile(r", sasl_username=([^,]+)")
_FAILED_LOGIN = re.compile(r"[^\s\[]*\[([^\]\s]*)\](?::\d+)?: SASL \S+ authentication failed")
_ORIGIN = re.compile(r", orig_client=[^\s\[,]*\[(?:IPv6:)?([^\]]*)\]")
_QUEUED = re.compile(r"from=<(.*?)>(?:, size=|, status=(?:force-)?(expired)|$)")
_PICKUP = re.compile(r"uid=\d+ from=<(.*?)>")
_MESSAGE_ID = re.compile(r"(?:resent-)?message-id=(.+)", re.DOTALL)
_OF_MAIL = ("from=", "uid=", "message-id=", "resent-message-id=")
"""How lines begin that ``_QUEUED``, ``_PICKUP`` or ``_MESSAGE_ID`` match."""
_KEYS = re.compile(r"; (?:from=<([^>]*)>,? ?)?(?:to=<([^>]*)>)?")
_FROM = re.compile(r"(\S+ from \S*?\[([^\]\s]*)\](?::\d+)?)")
_HEADER = re.compile(r"header ([\w-]+): (.*) from (?:local|\S*?\[([^\]\s]*)\](?::\d+)?)", re.DOTALL)
_FOLD = re.compile(r"\?=\?{1,2}[ \t]*(?==\?)")

# Looking a member up on its class costs 70 ns.
_DENIED, _ALLOWED = Action.DENIED, Action.ALLOWED
_TRANSACTION, _AT, _CLIENT_IP, _USER, _SENDER = Col.TRANSACTION, Col.AT, Col.SOURCE_IP, Col.USER, Col.SENDER
_TO, _ACTION, _DIRECTION, _IDENTIFIER = Col.TO, Col.ACTION, Col.DIRECTION, Col.MESSAGE_ID
_SUBJECT, _AUTHOR, _FROM_NAME = Col.SUBJECT, Col.FROM, Col.FROM_NAME
_COLUMNS = frozenset((
    _AT, Col.KIND, _CLIENT_IP, _USER, _SENDER, _AUTHOR, _FROM_NAME, _TO, _SUBJECT, _IDENTIFIER, _DIRECTION, _ACTION,
    Col.AUTHENTICATION,
))  # fmt: skip
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_KEPT = frozenset((
    "warning", "info", "hold", "filter", "prepend", "redirect", "replace", "strip", "bcc", "delay", "milter-hold",
))  # fmt: skip
_REFUSED = frozenset({"reject", "discard", "milter-reject", "milter-discard", "proxy-reject"})
_MAIL_VERBS = ("MAIL ", "RCPT ", "DATA ", "BDAT ", "END-OF-")
_PROBES = frozenset({"deliverable", "undeliverable", "undeliverable-but-not-cached"})
_LOCAL_RELAYS = frozenset(
    "local virtual lmtp dovecot dovecot-lmtp maildrop procmail cyrus zarafa kopano dbmail".split()  # noqa: SIM905
)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The syslog header's, where it is still there."""
    header = peel(line, Envelope.SYSLOG)
    return None if header is None else known_instant(header, dialect)


def sniff(lines: Sequence[str]) -> float:
    """The share of lines that a Postfix service wrote."""
    written = [line for line in lines if line.strip()]
    return sum(_SERVICE.search(line) is not None for line in written) / max(len(written), 1)


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


def _of_body(body: str, dialect: Dialect) -> Row | None:
    if found := _LINE.match(body):
        return _fragment(found)
    header = peel(body, Envelope.SYSLOG) if dialect.envelope else None  # relayed twice
    if header is None or (found := _LINE.match(header.body)) is None:
        return None
    return headed(header, _fragment(found), dialect)


def _fragment(line: re.Match[str]) -> Row | None:
    daemon, service, queue_id = line.groups()
    tag, told = daemon or service, line.string[line.end() :]
    if tag and "/" not in tag:
        return opendkim.verdict(tag, queue_id, told)
    if told.startswith("to="):
        return _try(tag or "", queue_id, told)
    if queue_id == "warning":
        return _failed_login(told)
    if queue_id in ("NOQUEUE", "proxy-reject", "reject"):
        return _told(queue_id, told)
    if told.startswith("client="):
        return _client(queue_id, told)
    if told.startswith("removed"):
        return {_TRANSACTION: queue_id}
    said = _said(told) if told.startswith(_OF_MAIL) else None
    if said is None:
        return _told(queue_id, told)
    if not said:
        return None
    said[_TRANSACTION] = queue_id
    return said


def _failed_login(told: str) -> Row | None:
    found = _FAILED_LOGIN.match(told)
    address = values.address(found[1]) if found else None
    if address is None:
        return None
    row: Row = {_TRANSACTION: f"login: {address}", Col.KIND: Kind.LOGIN.value, _CLIENT_IP: address, _ACTION: _DENIED}
    if (login := _SASL.search(told)) and (user := values.user(login[1].rstrip())):
        row[_USER] = user
    return row


def _said(told: str) -> Row | None:
    """What qmgr, pickup or cleanup says of a whole mail; ``None`` where it is something else."""
    if found := _QUEUED.match(told) or _PICKUP.match(told):
        row: Row = {_DIRECTION: "outbound"} if told[0] == "u" else {_ACTION: _DENIED} if found[2] else {}
        if sender := mail.address(found[1]):
            row[_SENDER] = sender
        return row
    if found := _MESSAGE_ID.match(told):
        message_id = mail.decode_subject(_unfolded(found[1])).strip("<> \r\n")
        return {_IDENTIFIER: message_id} if message_id else {}
    return None


def _try(tag: str, queue_id: str, told: str) -> Row | None:
    found = _TRY.match(told)
    if not found:
        raise RefusedLine("a try without relay and status")
    bracketed, bare, bracketed_written, bare_written, relay, status, reply = found.groups("")
    if status in _PROBES:
        return None
    to, written = bracketed or bare, bracketed_written or bare_written
    recipients = mail.addresses(f"{written}, {to}" if written else to) or [values.lower(written or to)]
    row: Row = {_TRANSACTION: queue_id, _TO: recipients}
    if status == "bounced" or (status == "sent" and (relay == "none" or ", discarded" in reply)):
        row[_ACTION] = _DENIED
    elif status == "sent" and not reply.startswith("forwarded as"):
        row[_ACTION] = _ALLOWED
    if relay in _LOCAL_RELAYS or "[private/" in relay or (tag.endswith("/lmtp") and "queued as" not in reply):
        row[_DIRECTION] = "inbound"
    return row


def _client(queue_id: str, told: str) -> Row | None:
    found = _CLIENT.match(told)
    client = values.address(found[1]) if found else None
    if "orig_queue_id=" in told and client in _LOOPBACK:
        return {_TRANSACTION: queue_id, _DIRECTION: mailqueue.REQUEUED}
    row: Row = {_TRANSACTION: queue_id}
    if "orig_client=" in told and (origin := _ORIGIN.search(told)):
        client = values.address(origin[1]) or client
    if client:
        row[_CLIENT_IP] = client
    if "sasl_username=" in told and (login := _SASL.search(told)) and (user := values.user(login[1])):
        row[_USER] = user
        row[_DIRECTION] = "outbound"
    return row if len(row) > 1 else None


def _told(queue_id: str, told: str) -> Row | None:
    """What smtpd, cleanup or a milter did with a mail or saw in its headers."""
    action, _, text = (queue_id, "", told) if queue_id in _REFUSED else told.partition(": ")
    refused = action in _REFUSED
    if not refused and action not in _KEPT and not action.startswith("milter-header-"):
        return None
    cut = max(text.rfind("; from=<"), text.rfind("; to=<"))
    keys = _KEYS.match(text, cut) if cut >= 0 else None
    about = text[:cut] if keys else text
    sender, recipients = (mail.address(keys[1] or ""), mail.addresses(keys[2] or "")) if keys else (None, [])
    header = _HEADER.match(about)
    client = None if header else _FROM.match(about)
    row: Row = {}
    is_known = header is not None and _is_header(row, header[1].lower(), header[2])
    if address := values.address(header[3] if header else client[2] if client else None):
        row[_CLIENT_IP] = address
    if sender:
        row[_SENDER] = sender
    if recipients and (refused or sender):
        row[_TO] = recipients
    if refused:
        row[_ACTION] = _DENIED
    if not (sender or recipients or is_known or (refused and about.startswith(_MAIL_VERBS))):
        return None
    if not refused or queue_id not in ("NOQUEUE", action):
        return {_TRANSACTION: queue_id, **row} if row and queue_id != "NOQUEUE" else None
    before = "" if queue_id == action else f"{action}: "
    return {_TRANSACTION: f"{queue_id}: {before}{client[1] if client else about.partition(':')[0]}", **row}


def _is_header(row: Row, name: str, text: str) -> bool:
    """Whether it is one that counts; its values are added to the event."""
    text = _unfolded(text)
    if name == "subject":
        if subject := mail.decode_subject(text):
            row[_SUBJECT] = subject
    elif name == "from":
        if address := mail.address(text):
            row[_AUTHOR] = address
        if shown := mail.display_name(text):
            row[_FROM_NAME] = shown
    return name in ("subject", "from")


def _unfolded(text: str) -> str:
    return _FOLD.sub("?= ", text) if "?=?" in text else text


_FRAGMENTS = Fragments(
    _of_body, lambda line: _LINE.match(line) or _TAG.match(line), "neither a syslog header nor a program's tag"
)
FORMAT = LogFormat(
    name="postfix",
    kind=Kind.MAIL,
    title="Postfix (syslog or maillog_file, joined by queue id)",
    reference="unverified: https://www.postfix.org/header_checks.5.html",
    parse=_FRAGMENTS.parse,
    timestamp=timestamp,
    block=_FRAGMENTS.block,
    example=example,
    columns=_COLUMNS,
    zone=Zone.LOCAL,
    join=mailqueue.join,
    sniff=sniff,
)
