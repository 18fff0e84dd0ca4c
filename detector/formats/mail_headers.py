r"""Mails themselves, their header blocks: mbox files, Maildir folders, single files (EML). Bodies are never read.

One record is one mail: its header fields, apart by the byte 0x1F, with 0x1E where one was folded
(``sources/mailframes.py``):

- the time is that of the topmost ``Received``, which the last server wrote (behind its last ``;``, RFC 5321 section
  4.4), else of ``Date``, which the sender wrote (RFC 5322 section 3.6.1), else of the mbox's ``From`` line (local time)
- ``From`` the author; ``Return-Path`` the envelope's sender (RFC 5321 section 4.4), else that of the ``From`` line
- ``Delivered-To``, ``X-Original-To``, ``Envelope-To``, ``X-Envelope-To``: whose mailbox it is, by the last server, else
  ``To``, ``Cc`` and ``Bcc``, which the sender wrote
- ``Subject`` and display names decoded (RFC 2047); ``Message-ID``
- ``Authentication-Results`` (RFC 8601): the topmost one, which the receiving side wrote. The option ``authserv_id``
  (names apart by blanks) says whose count, and then no others do. ``DKIM-Signature`` is a claim: it only says which
  domain a ``dkim=pass`` without one is about
- the address in the topmost ``Received``: who brought the mail

``From no-reply@clearview.ai Thu Feb 27 10:00:00 2020``, ``Received: from … by mx1; Thu, 27 Feb 2020 10:00:00 +0000`` …
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, Layout, LogFormat, Zone
from detector.grammars import authresults, mail, maildate, mailtable, rendering, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.events import Dialect, Row

_RECIPIENTS = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_CLAIMED = ("to", "cc", "bcc")
_READ = (
    "received", "date", "from", "return-path", *_RECIPIENTS, *_CLAIMED, "subject", "message-id",
    "authentication-results", "dkim-signature",
)  # fmt: skip
_FIELD = re.compile(rf"\x1f({'|'.join(_READ)})[ \t]*:[ \t]*([^\x1f]*)", re.IGNORECASE)
_ANY_FIELD = re.compile(r"[!-9;-~]{1,256}[ \t]{0,16}:")
_TIMES = re.compile(r"\x1f(received|date)[ \t]*:[ \t]*([^\x1f]*)", re.IGNORECASE)
_FROM_LINE = re.compile(r"From (\S{1,512}) [^\x1f]{0,256}")
_BY = re.compile(r"\sby\s", re.IGNORECASE)
_BROUGHT = re.compile(r"[\[(](?:IPv6:)?([0-9A-Fa-f:.]{3,45})[\])]")
_SIGNER = re.compile(r"(?:\A|;)\s*d\s*=\s*([^\s;]+)")
_UNNAMED = re.compile(r"\bdkim=pass(?![^;]{0,512}\bheader\.[di]\b)")
_AT, _SOURCE_IP, _FROM, _FROM_NAME, _SENDER = Col.AT, Col.SOURCE_IP, Col.FROM, Col.FROM_NAME, Col.SENDER
_TO, _SUBJECT, _MESSAGE_ID = Col.TO, Col.SUBJECT, Col.MESSAGE_ID  # looking a member up on its class costs 70 ns
_CLIENT_CHARS = 1024  # of a Received field in which the client is looked for


def parse(line: str, dialect: Dialect) -> Row | None:
    """One header block to one event; lines of bodies are none."""
    if not line or line.isspace():
        return None
    line = line.replace("\x1e", "")
    envelope = _FROM_LINE.match(line)
    if envelope is None and not _ANY_FIELD.match(line):
        raise RefusedLine("no header field of a mail")
    fields = _fields(line, _FIELD)
    author = _first(fields, "from")
    row = values.row_of(
        {
            _AT: _at(line, fields, dialect),
            _SOURCE_IP: _brought_by(_first(fields, "received")),
            _FROM: mail.address(author),
            _FROM_NAME: mail.display_name(author),
            _SENDER: mail.address(_first(fields, "return-path") or (envelope[1] if envelope else "")),
            _TO: _recipients(fields) or None,
            _SUBJECT: mail.decode_subject(_first(fields, "subject")) or None,
            _MESSAGE_ID: mailtable.message_id(_first(fields, "message-id")),
        }
    )
    if not mailtable.is_mail(row):
        raise RefusedLine("neither a sender nor a recipient nor a subject")
    if "authentication-results" in fields:
        verdict = _authentication(
            fields, str(row.get(_FROM, "")).rpartition("@")[2], dialect.options.get("authserv_id", "")
        )
        if verdict is not None:
            row[Col.AUTHENTICATION] = verdict
    return row


def _fields(line: str, wanted: re.Pattern[str]) -> dict[str, list[str]]:
    """Fields by name, in lower case, each topmost first."""
    fields: dict[str, list[str]] = {}
    for name, value in wanted.findall("\x1f" + line):
        fields.setdefault(name.lower(), []).append(value)
    return fields


def _first(fields: Mapping[str, list[str]], name: str) -> str:
    found = fields.get(name)
    return found[0] if found else ""


def _at(line: str, fields: Mapping[str, list[str]], dialect: Dialect) -> int | None:
    for text in (_first(fields, "received").rpartition(";")[2], _first(fields, "date")):
        if text and (at := maildate.instant(text, dialect.zone)) is not None:
            return at
    return maildate.asctime(found[0], dialect.zone) if (found := _FROM_LINE.match(line)) else None


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The time of a mail, see above."""
    if line.isspace():
        return None
    line = line.replace("\x1e", "")
    return _at(line, _fields(line, _TIMES), dialect)


def _brought_by(received: str) -> str | None:
    """The address between ``from`` and ``by``."""
    client = _BY.split(received[:_CLIENT_CHARS], maxsplit=1)[0]
    found = (values.address(one) for one in _BROUGHT.findall(client))
    return next((one for one in found if one), None)


def _recipients(fields: Mapping[str, list[str]]) -> list[str]:
    for name in _RECIPIENTS:
        if name in fields and (found := mail.addresses(fields[name][0])):
            return found
    return mail.addresses(", ".join(one for name in _CLAIMED for one in fields.get(name, ())))


def _authentication(fields: Mapping[str, list[str]], owner: str, trusted: str) -> str | None:
    """What the receiving side found, ``None`` where it does not say."""
    written = fields["authentication-results"]
    if trusted:
        ours = trusted.lower().split()
        written = [one for one in written if authresults.server_of(one) in ours]
    if not written:
        return None
    signers = [found[1] for one in fields.get("dkim-signature", ()) if (found := _SIGNER.search(one))]
    text = written[0]
    if len(signers) == 1:
        text = _UNNAMED.sub(f"dkim=pass header.d={signers[0]}", text, count=1)
    return authresults.verdict(text, owner)


def example(row: Row) -> str:
    """An event as a mail of an mbox."""
    sender, to = row.get(Col.SENDER, "-"), row.get(Col.TO)
    stamp = rendering.written_at(row, "%a, %d %b %Y %H:%M:%S +0000")
    author = f"{row[Col.FROM_NAME]} <{row.get(Col.FROM, '')}>" if Col.FROM_NAME in row else row.get(Col.FROM, "")
    lines = [
        f"From {sender} {rendering.written_at(row, '%a %b %d %H:%M:%S %Y')}",
        f"Return-Path: <{row.get(Col.SENDER, '')}>",
        f"Received: from relay (relay [{row.get(Col.SOURCE_IP, '192.0.2.7')}])",
        f"\tby mx1.example.org with ESMTPS id 4242; {stamp}",
        f"From: {author}",
        f"To: {', '.join(to) if isinstance(to, list) else ''}",
        f"Subject: {row.get(Col.SUBJECT, '')}",
        f"Message-ID: <{row.get(Col.MESSAGE_ID, '')}>",
        f"Date: {stamp}",
    ]
    return "\n".join([*lines, "", "The body.", ""])


FORMAT = LogFormat(
    name="mail_headers",
    kind=Kind.MAIL,
    title="Mails: mbox, Maildir, EML (headers only)",
    reference="unverified: https://www.rfc-editor.org/rfc/rfc5322",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({
        Col.AT, Col.SOURCE_IP, Col.FROM, Col.FROM_NAME, Col.SENDER, Col.TO, Col.SUBJECT, Col.MESSAGE_ID,
        Col.AUTHENTICATION,
    }),
    zone=Zone.OFFSET,
    layout=Layout.MAILS,
)  # fmt: skip
