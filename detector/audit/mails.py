"""Mails that may tell of a service: those of its vendor, and those of colleagues whose subject names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.answers.spread import Correspondence, Mail
from detector.errors import UnreadableSource
from detector.events import Col, EventBatch, Kind, Line, read_lines
from detector.match import Actor, ActorKind
from detector.prefilter import scanner_of
from detector.scan import Settings, gather, joined
from detector.sources import DamagedStream, chunks, open_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from detector.answers.spread import WhoIs
    from detector.audit.plan import Input
    from detector.events import Value
    from detector.identity import People
    from detector.match import Matcher
    from detector.prefilter import LiteralScanner
    from detector.signatures import Signature


def names_in_subjects(signature: Signature) -> tuple[str, ...]:
    """What a service is called in subject lines."""
    return tuple(sorted({signature.name, *signature.mail.names}, key=str.lower))


def mails_about(inputs: Sequence[Input], signature: Signature, matcher: Matcher) -> Iterator[Mail]:
    """The mails of planned logs that hold the name or a mail domain of a service, by log; each line of them once.

    What could not be read is in the coverage of the audit; here it is passed over.
    """
    words = [*names_in_subjects(signature), *signature.mail.domains]
    logs = [one for one in inputs if one.log_format is not None and not one.unread and not one.copy_of]
    for batch in _batches([one for one in logs if Col.SUBJECT in _columns(one)], words):
        yield from _mails(batch, signature.id, matcher)


def _columns(one: Input) -> frozenset[Col]:
    return one.log_format.columns if one.log_format is not None else frozenset()


def _batches(logs: Sequence[Input], words: Sequence[str]) -> Iterator[EventBatch]:
    literals = sorted({word.lower().encode() for word in words})
    keys: dict[str, set[str]] = {}
    for one in logs:
        if one.log_format is None:
            continue
        for batch in _events(one, scanner_of([*literals, *one.log_format.encoded], one.log_format.head_literals)):
            if one.log_format.join is None:
                yield batch
            else:
                keys.setdefault(one.log_format.name, set()).update(
                    str(key) for key in batch.column(Col.TRANSACTION) if key is not None
                )
    for name, wanted in sorted(keys.items()):
        mine = [one for one in logs if one.log_format is not None and one.log_format.name == name]
        fragments = [
            fragment
            for order, one in enumerate(mine)
            if one.log_format is not None
            for fragment in gather(one.segment, one.log_format, one.dialect, frozenset(wanted), Settings(), order)
        ]
        if mine and mine[0].log_format is not None:
            yield from (batch for _, batch in joined(fragments, mine[0].log_format))


def _events(one: Input, literals: LiteralScanner) -> Iterator[EventBatch]:
    """The lines of one log that hold a literal, as events."""
    dialect = one.dialect
    try:
        with open_stream(one.segment, ahead=True) as reader:
            for chunk in chunks(reader, 0, None):
                found = literals.candidates(chunk.buffer, chunk.size)
                if found and one.log_format is not None:
                    lines = [Line(*chunk.line(start, end)) for start, end in found]
                    reading = read_lines(one.log_format, dialect, lines)
                    dialect = reading.dialect
                    yield reading.batch
    except (DamagedStream, UnreadableSource, OSError):
        return


def _mails(batch: EventBatch, service: str, matcher: Matcher) -> Iterator[Mail]:
    stages = {(one.offset, one.mailbox.lower()): one.stage for one in matcher.match(batch) if one.service == service}
    kinds = batch.column(Col.KIND)
    columns = [batch.column(name) for name in (Col.AT, Col.FROM, Col.SENDER, Col.FROM_NAME, Col.TO, Col.SUBJECT)]
    for index, offset in enumerate(batch.offsets):
        at, header, envelope, name, recipients, subject = (cells[index] for cells in columns)
        if (kinds[index] or batch.kind) != Kind.MAIL or not isinstance(recipients, list):
            continue
        for recipient in recipients:
            yield Mail(
                at=at if isinstance(at, int) else None,
                author=_text(header or envelope).lower(),
                name=_text(name),
                recipients=(recipient.lower(),),
                subject=_text(subject),
                stage=stages.get((offset, recipient.lower())),
            )


def _text(cell: Value | None) -> str:
    return cell if isinstance(cell, str) else ""


def correspondence_of(
    inputs: Sequence[Input], signature: Signature, matcher: Matcher, people: People | None
) -> Correspondence:
    """The mails of planned logs that may tell how a service spread."""
    return Correspondence(
        tuple(told(mails_about(inputs, signature, matcher))), who_is_of(people), names_in_subjects(signature)
    )


def told(mails: Iterable[Mail]) -> list[Mail]:
    """Each mail once: a log has several lines of one mail, and several logs have it too."""
    return sorted(set(mails), key=lambda one: (one.at or 0, one.author, one.recipients, one.subject))


def who_is_of(people: People | None) -> WhoIs:
    """Whom a mailbox, or a name as people write it, belongs to at an instant."""
    named: dict[str, set[str]] = {}
    for entry in people.entries if people is not None else ():
        named.setdefault(entry.name.lower(), set()).add(entry.id)

    def who_is(name: str, at: int | None) -> Actor:
        if "@" not in name:
            ids = named.get(name, set())
            return Actor(ActorKind.PERSON, min(ids)) if len(ids) == 1 else Actor(ActorKind.UNKNOWN, name)
        holders = people.mailbox(name).at(at) if people is not None else ()
        return Actor(ActorKind.PERSON, holders[0].id) if len(holders) == 1 else Actor(ActorKind.MAILBOX, name)

    return who_is
