"""Mails as Zeek's smtp logs record them, one by one or many at once.

``mailfrom`` and ``rcptto`` are the envelope, ``from``, ``to``, ``cc`` the header, ``last_reply`` is the server's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

from detector.events import Action, Col, Kind
from detector.grammars import mail, many, zeekcells

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Row, Value
    from detector.grammars.zeekcells import Cells

FIELDS = ("mailfrom", "rcptto", "from", "to", "cc", "subject", "msg_id", "last_reply", "user_agent")
"""Behind the time and the client's address: the fields that a mail is read by."""

_AT, _KIND, _SOURCE_IP, _USER_AGENT = Col.AT, Col.KIND, Col.SOURCE_IP, Col.USER_AGENT
_FROM, _FROM_NAME, _SENDER, _TO = Col.FROM, Col.FROM_NAME, Col.SENDER, Col.TO
_SUBJECT, _MESSAGE_ID, _ACTION, _MAIL_KIND = Col.SUBJECT, Col.MESSAGE_ID, Col.ACTION, Kind.MAIL.value
_NOT_DELIVERED = ("220", "221")  # "ready to start TLS", "bye"
_TEXTS, _LISTS = {str}, {list}
Column: TypeAlias = "Sequence[Value | None]"
"""n cells, ``None`` where a record does not hold the column."""


def read(cells: Cells, zone: tzinfo) -> Row:
    """One record to one mail."""
    at, client, envelope, recipients, header, to, cc, subject, identifier, reply, agent = cells
    sender, written = zeekcells.text(envelope), zeekcells.text(header)
    receivers = _receivers(recipients, to, cc)
    row = zeekcells.row(at, client, zone)
    row[_KIND] = _MAIL_KIND
    if written and (author := mail.address(written)):
        row[_FROM] = author
        if shown := mail.display_name(written):
            row[_FROM_NAME] = shown
    if sender and (address := mail.address(sender)):
        row[_SENDER] = address
    if receivers:
        row[_TO] = receivers
    if (title := zeekcells.text(subject)) and (title := mail.decode_subject(title)):
        row[_SUBJECT] = title
    if message := _identifier(zeekcells.text(identifier)):
        row[_MESSAGE_ID] = message
    if (sender or receivers or written) and (action := _delivery(zeekcells.text(reply))):
        row[_ACTION] = action
    if mailer := zeekcells.text(agent):
        row[_USER_AGENT] = mailer
    return row


def columns(cells: Sequence[Cells], zone: tzinfo) -> dict[Col, Column]:
    """Many records, given as the cells of each field, to the columns of their mails."""
    ats, clients, envelopes, recipients, headers, to, cc, subjects, identifiers, replies, agents = cells
    senders, written = _texts(envelopes), _texts(headers)
    receivers = _lists(recipients, to, cc)
    said = zip(senders, receivers, written, map(_delivery, _texts(replies)), strict=True)
    return {
        _AT: [zeekcells.instant(cell, zone) for cell in ats],
        _KIND: [_MAIL_KIND] * len(ats),
        _SOURCE_IP: _each(many.addresses, [cell if type(cell) is str else None for cell in clients]),
        _FROM: _each(many.mailboxes, written),
        _FROM_NAME: [None if text is None else mail.display_name(text) for text in written],
        _SENDER: _each(many.mailboxes, senders),
        _TO: receivers,
        _SUBJECT: [title or None for title in _each(many.subjects, _texts(subjects))],
        _MESSAGE_ID: list(map(_identifier, _texts(identifiers))),
        _ACTION: [action if sender or to or header else None for sender, to, header, action in said],
        _USER_AGENT: _texts(agents),
    }


def _texts(cells: Sequence[object]) -> Sequence[str | None]:
    """Of ``zeekcells.text``."""
    if set(map(type, cells)) == _TEXTS:
        texts = cast("Sequence[str]", cells)
        if zeekcells.UNSET.isdisjoint(texts) and "\\" not in "".join(texts):
            return texts
    return list(map(zeekcells.text, cells))


def _each(read_all: many.Many, texts: Sequence[str | None]) -> Column:
    """The values of a column; ``None`` where a record has no text."""
    if None not in texts:
        return read_all(cast("Sequence[str]", texts))
    found = iter(read_all([text for text in texts if text is not None]))
    return [None if text is None else next(found) for text in texts]


def _lists(recipients: Sequence[object], to: Sequence[object], cc: Sequence[object]) -> Column:
    """Of ``_receivers``."""
    if set(map(type, recipients)) == _LISTS:
        sets = cast("Sequence[list[object]]", recipients)
        if set(map(len, sets)) == {1} and None not in (texts := _texts([only for (only,) in sets])):
            boxes = many.lists_of_mailboxes(cast("Sequence[str]", texts))
            if all(boxes):
                return boxes
    return [_receivers(*sets) or None for sets in zip(recipients, to, cc, strict=True)]


def _receivers(recipients: object, to: object, cc: object) -> list[str]:
    """Whom a mail goes to: those of the envelope, else those that its header names."""
    found = _members(recipients) or [*_members(to), *_members(cc)]
    return found if len(found) < 2 else list(dict.fromkeys(found))


def _members(cell: object) -> list[str]:
    """The addresses of a set; text where the writer gave no set."""
    if type(cell) is str and "\\" not in cell:
        return mail.addresses(cell) if "@" in cell else []
    members = cell if isinstance(cell, list) else [cell]
    return [one for member in members if (text := zeekcells.text(member)) for one in mail.addresses(text)]


def _identifier(text: str | None) -> str | None:
    """A message id without its angles."""
    return text.strip().removeprefix("<").removesuffix(">") or None if text else None


def _delivery(reply: str | None) -> Action | None:
    """What the last reply says: a 4xx is tried again, a 3xx is the middle of a mail."""
    if not reply:
        return None
    if reply[0] == "2" and reply[:3] not in _NOT_DELIVERED:
        return Action.ALLOWED
    return Action.DENIED if reply[0] == "5" else None
