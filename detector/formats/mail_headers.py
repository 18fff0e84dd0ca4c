r"""Mails themselves, their header blocks: mbox files, Maildir folders, single files (EML). Bodies are never read.

One record is one mail: the lines of its header block, apart by the byte 0x1F (``sources/mailframes.py``); a line that
begins with a blank or a tab goes on with the field before it:

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
from detector.grammars import authresults, mail, maildate, mailtable, many, moments, rendering, spellings, values
from detector.grammars.reader import Reader
from detector.grammars.sheets import Sheet
from detector.grammars.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_CLAIMED = ("to", "cc", "bcc")
_SEVERAL = frozenset((*_CLAIMED, "authentication-results", "dkim-signature"))
"""All fields of these names are read, of others the topmost."""
_READ = (
    "received", "return-path", "from", "date", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to",
    "to", "cc", "bcc", "subject", "message-id", "authentication-results", "dkim-signature",
)  # fmt: skip


def _in_any_case(name: str) -> str:
    """A pattern, half again as fast as one that ignores case."""
    return re.sub("[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", name)


_BEGIN = "\n"
"""The name in whose place a mail begins; its value is the ``From`` line, where there is one."""
_FIELD = re.compile(
    rf"\x1f({_BEGIN}|{'|'.join(map(_in_any_case, _READ))})[ \t]*:[ \t]*([^\x1f]*+(?:\x1f{{1,2}}[ \t][^\x1f]*+)*+)"
)
_ANY_FIELD = re.compile(r"[!-9;-~]{1,256}[ \t]{0,16}:")
_FROM_LINE = re.compile(r"From (\S{1,512}) [^\x1f]{0,256}")
_BY = re.compile(r"\sby\s", re.IGNORECASE)
_BROUGHT = re.compile(r"[\[(](?:IPv6:)?([0-9A-Fa-f:.]{3,45})[\])]")
_HOST = r"[^\s()\[\]\0]{1,255}"
_USUALLY = rf"from (?![Bb][Yy] ){_HOST} \((?:{_HOST} )?\[(\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}})\]\)[^\0]*+"
_SIGNER = re.compile(r"(?:\A|;)\s*d\s*=\s*([^\s;]+)")
_UNNAMED = re.compile(r"\bdkim=pass(?![^;]{0,512}\bheader\.[di]\b)")
_CLIENT_CHARS = 1024  # of a Received field in which the client is looked for


def _record(line: str, dialect: Dialect) -> Cells:
    """The fields that are read, by name in lower case, the topmost of each; under ``to`` all whom the sender named.

    Besides: ``envelope`` the ``From`` line, whose sender stands under ``return-path`` where the mail has no such field,
    and ``arrived`` when the last server took it.
    """
    envelope = _FROM_LINE.match(line)
    if envelope is None and not _ANY_FIELD.match(line):
        raise RefusedLine("no header field of a mail")
    return _cells([line], [envelope], dialect)[0]


def _records(lines: Sequence[str], dialect: Dialect) -> Sheet | None:
    """The same of many, which all begin with a ``From`` line."""
    envelopes = list(map(_FROM_LINE.match, lines))
    return Sheet(_cells(lines, envelopes, dialect)) if all(envelopes) else None


def _cells(lines: Sequence[str], envelopes: Sequence[re.Match[str] | None], dialect: Dialect) -> list[dict[str, str]]:
    mails = list[dict[str, str]]()
    marked = [
        f"\x1f{_BEGIN}:{line}" if envelope else f"\x1f{_BEGIN}:\x1f{line}"
        for line, envelope in zip(lines, envelopes, strict=True)
    ]
    cells = dict[str, str]()
    for written, value in _FIELD.findall("".join(marked)):
        if written == _BEGIN:
            cells = {}
            mails.append(cells)
        elif (name := written.lower()) not in cells:
            cells[name] = value.replace("\x1f", "") if "\x1f" in value else value
        elif name in _SEVERAL:
            cells[name] += "\x1f" + value.replace("\x1f", "")
    for cells, envelope in zip(mails, envelopes, strict=True):
        if envelope is not None:
            cells["envelope"] = envelope[0]
            if not cells.get("return-path"):
                cells["return-path"] = envelope[1]
        if "received" in cells:
            cells["arrived"] = cells["received"].rpartition(";")[2]
        if "cc" in cells or "bcc" in cells or "\x1f" in cells.get("to", ""):
            cells["to"] = ", ".join(cells[name] for name in _CLAIMED if name in cells).replace("\x1f", ", ")
        if "authentication-results" in cells:
            cells["authentication-results"] = _authentication(cells, dialect.options.get("authserv_id", ""))
    return mails


def _brought_by(received: str) -> str | None:
    """The address between ``from`` and ``by``."""
    client = _BY.split(received[:_CLIENT_CHARS], maxsplit=1)[0]
    found = (values.address(one) for one in _BROUGHT.findall(client))
    return next((one for one in found if one), None)


def _authentication(cells: Mapping[str, str], trusted: str) -> str:
    """What the receiving side found, empty where it does not say."""
    written = cells["authentication-results"].split("\x1f")
    if trusted:
        ours = trusted.lower().split()
        written = [one for one in written if authresults.server_of(one) in ours]
    if not written:
        return ""
    signatures = cells.get("dkim-signature", "").split("\x1f")
    signers = [found[1] for one in signatures if (found := _SIGNER.search(one))]
    if len(signers) == 1:
        return _UNNAMED.sub(f"dkim=pass header.d={signers[0]}", written[0], count=1)
    return written[0]


def _verdict(written: str, author: str) -> str | None:
    """How authentication ended for the author's domain."""
    return authresults.verdict(written, (mail.address(author) or "").rpartition("@")[2]) if written else None


_WHEN = moments.first(
    spellings.spelled("arrived date", lambda text, dialect: maildate.instant(text, dialect.zone)),
    spellings.spelled("envelope", lambda text, dialect: maildate.asctime(text, dialect.zone)),
)
_READER = Reader(
    _record,
    mailtable.table(
        {
            Col.SOURCE_IP: "received",
            Col.FROM: "from",
            Col.FROM_NAME: "from",
            Col.SENDER: "return-path",
            Col.TO: "delivered-to x-original-to envelope-to x-envelope-to to",
            Col.SUBJECT: "subject",
            Col.MESSAGE_ID: "message-id",
        },
        when=_WHEN,
        authentication=together("authentication-results from", _verdict),
        readers={Col.SOURCE_IP: many.usually(_USUALLY, _brought_by), Col.SUBJECT: mailtable.subject},
        lacking="neither a sender nor a recipient nor a subject",
    ),
    records=_records,
)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The time of a mail, see above."""
    return None if line.isspace() else _WHEN(_record(line, dialect), dialect)


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
    parse=_READER.parse,
    timestamp=timestamp,
    block=_READER.block,
    example=example,
    columns=frozenset({
        Col.AT, Col.SOURCE_IP, Col.FROM, Col.FROM_NAME, Col.SENDER, Col.TO, Col.SUBJECT, Col.MESSAGE_ID,
        Col.AUTHENTICATION,
    }),
    zone=Zone.OFFSET,
    layout=Layout.MAILS,
)  # fmt: skip
