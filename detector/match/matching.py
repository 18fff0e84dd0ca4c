"""Events of one batch become sightings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.events import Action, Col, Kind, Stage
from detector.match.hosts import Target, target_of
from detector.match.index import Index
from detector.match.mail import Mail, MailIndex
from detector.match.sightings import Confidence, Sighting
from detector.match.stages import Request, prove

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.events import EventBatch, Value
    from detector.match.index import Candidates
    from detector.signatures import Ruleset

_NAMES = (Col.QUESTION, Col.DOMAIN, Col.SERVER_NAME)
_TUNNELS = ("tcp://", "ssl://", "tunnel://")
"""Schemes that proxies write for a tunnel: what looks like a path is none."""
_NETWORK = frozenset({Kind.PROXY, Kind.DNS})


@dataclass(slots=True)
class Matcher:
    """A ruleset, ready to match batches; remembers the hosts that it has seen."""

    ruleset: Ruleset
    hosts: Index = field(init=False)
    mail: MailIndex = field(init=False)

    def __post_init__(self) -> None:
        self.hosts = Index(self.ruleset)
        self.mail = MailIndex(self.ruleset)

    def match(self, batch: EventBatch) -> tuple[Sighting, ...]:
        """The sightings of a batch, in the order of its events."""
        if batch.kind is Kind.MAIL:
            return tuple(self._mails(batch, range(len(batch))))
        kinds = batch.columns.get(Col.KIND)
        if kinds is None:
            return tuple(self._requests(batch, range(len(batch)))) if batch.kind in _NETWORK else ()
        sightings = list(self._requests(batch, [i for i, kind in enumerate(kinds) if kind != Kind.MAIL]))
        sightings += self._mails(batch, [i for i, kind in enumerate(kinds) if kind == Kind.MAIL])
        return tuple(sorted(sightings, key=lambda sighting: (sighting.offset, sighting.part)))

    def _requests(self, batch: EventBatch, indexes: Sequence[int]) -> Iterator[Sighting]:
        columns = [batch.column(name) for name in _NAMES]
        candidates = self.hosts.candidates
        for index in indexes:
            services: set[str] = set()
            for cells in columns:
                name = cells[index]
                if isinstance(name, str) and (found := candidates(name)) is not None:
                    sighting = self._request(batch, index, name, found)
                    if sighting is not None and sighting.service not in services:
                        services.add(sighting.service)
                        yield sighting

    def _request(self, batch: EventBatch, index: int, name: str, found: Candidates) -> Sighting | None:
        cell = _Cells(batch, index)
        action, at = cell.text(Col.ACTION), cell.number(Col.AT)
        sent = cell.number(Col.BYTES_SENT) or 0
        kind = Kind(cell.text(Col.KIND) or batch.kind)
        path = query = ""
        method, url = cell.text(Col.METHOD).upper(), cell.text(Col.URL)
        if (found.urls or sent) and method != "CONNECT" and not url.startswith(_TUNNELS):
            _, path, query = target_of(url)
        request = Request(
            kind=kind,
            at=at,
            target=Target(found.host, path, query),
            method=method,
            status=cell.number(Col.STATUS) or 0,
            action=Action(action) if action else None,
            bytes_sent=sent,
        )
        service = (found.hosts or found.urls)[0].service
        proven = prove(found, request, self.ruleset[service].thresholds)
        if proven is None:
            return None
        return Sighting(
            service=proven.indicator.service,
            indicator=proven.indicator.id,
            stage=proven.stage,
            confidence=proven.confidence,
            at=at,
            denied=proven.denied,
            account=cell.text(Col.USER),
            address=cell.text(Col.SOURCE_IP),
            mailbox="",
            host=name,
            bytes_sent=0 if proven.denied else sent,
            offset=batch.offsets[index],
            part=0,
            line=batch.lines[index],
        )

    def _mails(self, batch: EventBatch, indexes: Sequence[int]) -> Iterator[Sighting]:
        for index in indexes:
            cell = _Cells(batch, index)
            recipients = cell.texts(Col.TO)
            mail = Mail(
                direction=cell.text(Col.DIRECTION),
                header_from=cell.text(Col.FROM),
                from_name=cell.text(Col.FROM_NAME),
                envelope_from=cell.text(Col.SENDER),
                authentication=cell.text(Col.AUTHENTICATION),
                subject=cell.text(Col.SUBJECT),
            )
            if (proof := self.mail.prove(mail)) is not None:
                confidence = Confidence.CONFIRMED if proof.certain else Confidence.PROBABLE
                for part, mailbox in enumerate(recipients):
                    yield _mail_sighting(
                        batch, index, proof.service, proof.indicator, proof.stage, confidence, mailbox, part
                    )
            else:
                yield from self._written(batch, index, mail, recipients)

    def _written(self, batch: EventBatch, index: int, mail: Mail, recipients: Sequence[str]) -> Iterator[Sighting]:
        """Mail that one's own people wrote to a service."""
        author = mail.header_from or mail.envelope_from
        if not author or mail.authentication == "fail":
            return
        services: dict[str, str] = {}
        for recipient in recipients:
            domain = recipient.rpartition("@")[2]
            if (service := self.mail.service_of(domain)) is not None:
                services.setdefault(service, domain)
        if self.mail.service_of(author.rpartition("@")[2]) is not None:
            return
        for part, (service, domain) in enumerate(sorted(services.items())):
            indicator = f"{service}:mail:{domain}:written"
            yield _mail_sighting(
                batch, index, service, indicator, Stage.CONTACTED, Confidence.CONFIRMED, author.lower(), part
            )


def _mail_sighting(  # noqa: PLR0913 - it has that many parts
    batch: EventBatch,
    index: int,
    service: str,
    indicator: str,
    stage: Stage,
    confidence: Confidence,
    mailbox: str,
    part: int,
) -> Sighting:
    cell = _Cells(batch, index)
    denied = cell.text(Col.ACTION) == Action.DENIED
    return Sighting(
        service=service,
        indicator=indicator,
        stage=Stage.SOLICITED if denied else stage,
        confidence=confidence,
        at=cell.number(Col.AT),
        denied=denied,
        account="",
        address="",
        mailbox=mailbox,
        host="",
        bytes_sent=0,
        offset=batch.offsets[index],
        part=part,
        line=batch.lines[index],
    )


class _Cells:
    """One event's cells by type; empty text, ``None`` and no texts where the line does not hold the column."""

    __slots__ = ("_columns", "_index")

    def __init__(self, batch: EventBatch, index: int) -> None:
        self._columns = batch.columns
        self._index = index

    def _cell(self, name: Col) -> Value | None:
        cells = self._columns.get(name)
        return None if cells is None else cells[self._index]

    def text(self, name: Col) -> str:
        cell = self._cell(name)
        return cell if isinstance(cell, str) else ""

    def number(self, name: Col) -> int | None:
        cell = self._cell(name)
        return cell if isinstance(cell, int) else None

    def texts(self, name: Col) -> Sequence[str]:
        cell = self._cell(name)
        return cell if isinstance(cell, list) else ()
