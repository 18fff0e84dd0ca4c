"""Events of one batch become sightings."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from detector.events import Action, Col, Kind, Stage
from detector.match.grants import GrantIndex, stage_of
from detector.match.hosts import Target, path_of
from detector.match.index import MEMORY_LIMIT, Index
from detector.match.mail import Mail, MailIndex
from detector.match.sightings import Confidence, Sighting
from detector.match.stages import Request, prove

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from detector.events import EventBatch, Value
    from detector.match.index import Candidates
    from detector.match.stages import Proven
    from detector.signatures import Ruleset

_NAMES = (Col.QUESTION, Col.DOMAIN, Col.SERVER_NAME)
_TUNNELS = ("tcp://", "ssl://", "tunnel://")
"""Schemes that proxies write for a tunnel: what looks like a path is none."""
_NETWORK = frozenset({Kind.PROXY, Kind.DNS})
_NO_PATH = ("", "")
_sighting = tuple.__new__
"""Makes a sighting in half the time that its own way takes."""
_LONGEST_METHOD = 16
"""Characters; what requests with a longer one prove is not remembered: nobody but a forger writes such."""


@dataclass(slots=True)
class Matcher:
    """A ruleset, ready to match batches; remembers the hosts that it has seen.

    What a request proves is remembered with the bytes from which on it may prove more: 0 where its URL may, too.
    """

    ruleset: Ruleset
    hosts: Index = field(init=False)
    mail: MailIndex = field(init=False)
    grants: GrantIndex = field(init=False)
    _proven: dict[tuple[str, str, str, int | None, str], tuple[Proven | None, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hosts = Index(self.ruleset)
        self.mail = MailIndex(self.ruleset)
        self.grants = GrantIndex(self.ruleset)

    def match(self, batch: EventBatch) -> tuple[Sighting, ...]:
        """The sightings of a batch, in the order of its events."""
        kinds = batch.columns.get(Col.KIND)
        if kinds is None:
            if batch.kind is Kind.MAIL:
                return tuple(self._mails(batch, range(len(batch))))
            if batch.kind is Kind.LOGIN:
                return tuple(self._granted(batch, range(len(batch))))
            return tuple(self._all_requests(batch)) if batch.kind in _NETWORK else ()
        told = [kind or batch.kind for kind in kinds]
        sightings = list(self._requests(batch, [i for i, kind in enumerate(told) if kind in _NETWORK]))
        sightings += self._mails(batch, [i for i, kind in enumerate(told) if kind == Kind.MAIL])
        sightings += self._granted(batch, [i for i, kind in enumerate(told) if kind == Kind.LOGIN])
        return tuple(sorted(sightings, key=lambda sighting: (sighting.offset, sighting.part)))

    def _granted(self, batch: EventBatch, indexes: Iterable[int]) -> Iterator[Sighting]:
        """Applications that people let act for them, and their logins to applications."""
        if Col.APPLICATION not in batch.columns and Col.CLIENT_ID not in batch.columns:
            return
        for index in indexes:
            cell = _Cells(batch, index)
            found = self.grants.grant(cell.text(Col.APPLICATION), cell.text(Col.CLIENT_ID))
            stage = stage_of(cell.text(Col.ACTIVITY))
            if found is None or stage is None:
                continue
            denied = cell.text(Col.ACTION) == Action.DENIED
            yield Sighting(
                found.service, found.indicator, Stage.RESOLVED if denied else stage, found.confidence,
                cell.number(Col.AT), denied, cell.text(Col.USER), cell.text(Col.SOURCE_IP), "", "", 0,
                batch.offsets[index], 0, batch.lines[index],
            )  # fmt: skip

    def _all_requests(self, batch: EventBatch) -> Iterable[Sighting]:
        """The sightings of a batch of requests; most say one name each, and most were proven before."""
        columns = _names(batch)
        if len(columns) != 1:
            return self._requests(batch, range(len(batch)))
        requests, proven, candidates = _Requests(batch), self._proven, self.hosts.candidates
        names, sightings = columns[0], list[Sighting]()
        said = zip(names, requests.kinds, requests.methods, requests.statuses, requests.actions, strict=True)
        rows = zip(
            names, said, requests.sent, requests.instants, requests.users, requests.addresses, batch.offsets,
            batch.lines, strict=True,
        )  # fmt: skip
        for index, (name, key, sent, at, user, address, offset, line) in enumerate(rows):
            known = proven.get(key)
            if known is not None and (sent or 0) < known[1]:
                if (proof := known[0]) is not None:
                    indicator, stage, confidence, denied = proof
                    sightings.append(_sighting(Sighting, (
                        indicator.service, indicator.id, stage, confidence, at, denied, user, address, "", name,
                        0 if denied else sent or 0, offset, 0, line, "",
                    )))  # fmt: skip
                continue
            if not isinstance(name, str) or (found := candidates(name)) is None:
                continue
            if (sighting := self._request(requests, index, name, found)) is not None:
                sightings.append(sighting)
        return sightings

    def _requests(self, batch: EventBatch, indexes: Iterable[int]) -> Iterator[Sighting]:
        columns, requests = _names(batch), _Requests(batch)
        candidates = self.hosts.candidates
        for index in indexes:
            services: list[str] = []
            for cells in columns:
                name = cells[index]
                if isinstance(name, str) and (found := candidates(name)) is not None:
                    sighting = self._request(requests, index, name, found)
                    if sighting is not None and sighting.service not in services:
                        services.append(sighting.service)
                        yield sighting

    def _request(self, requests: _Requests, index: int, name: str, found: Candidates) -> Sighting | None:
        sent = requests.sent[index] or 0
        is_large = sent >= found.thresholds.uploaded_request_bytes
        method, url = requests.methods[index], requests.urls[index]
        path, query = _NO_PATH
        if (found.urls or is_large) and method.upper() != "CONNECT" and not url.startswith(_TUNNELS):
            path, query = path_of(url)
        if path or is_large or not found.is_timeless or len(method) > _LONGEST_METHOD:
            proven = requests.prove(index, found, path, query)
        else:
            said = (name, requests.kinds[index], method, requests.statuses[index], requests.actions[index])
            try:
                proven, _ = self._proven[said]
            except KeyError:
                if len(self._proven) >= MEMORY_LIMIT:
                    self._proven.clear()
                proven = requests.prove(index, found, path, query)
                self._proven[said] = proven, 0 if found.is_particular else found.thresholds.uploaded_request_bytes
        if proven is None:
            return None
        indicator, stage, confidence, denied = proven
        batch = requests.batch
        return Sighting(
            indicator.service, indicator.id, stage, confidence, requests.instants[index], denied,
            requests.users[index], requests.addresses[index], "", name, 0 if denied else sent,
            batch.offsets[index], 0, batch.lines[index],
        )  # fmt: skip

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
                author = (mail.header_from or mail.envelope_from).lower()
                for part, mailbox in enumerate(recipients):
                    yield _mail_sighting(
                        batch, index, proof.service, proof.indicator, proof.stage, confidence, (mailbox, author), part
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
            if (service := self.mail.service_of(recipient.rpartition("@")[2])) is not None:
                services.setdefault(service, recipient)
        if self.mail.service_of(author.rpartition("@")[2]) is not None:
            return
        for part, (service, recipient) in enumerate(sorted(services.items())):
            indicator = f"{service}:mail:{recipient.rpartition('@')[2]}:written"
            ends = (author.lower(), recipient.lower())
            yield _mail_sighting(batch, index, service, indicator, Stage.CONTACTED, Confidence.CONFIRMED, ends, part)


def _mail_sighting(  # noqa: PLR0913 - it has that many parts
    batch: EventBatch,
    index: int,
    service: str,
    indicator: str,
    stage: Stage,
    confidence: Confidence,
    ends: tuple[str, str],
    part: int,
) -> Sighting:
    """A sighting of a mail with two ends: the mailbox that it belongs to, and the other one."""
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
        mailbox=ends[0],
        host="",
        bytes_sent=0,
        offset=batch.offsets[index],
        part=part,
        line=batch.lines[index],
        counterpart=ends[1],
    )


class _Requests:
    """The cells that requests are judged by: empty text and ``None`` where a line does not hold the column."""

    def __init__(self, batch: EventBatch) -> None:
        self.batch = batch
        self.instants, self.sent = _numbers(batch, Col.AT), _numbers(batch, Col.BYTES_SENT)
        self.statuses, self.actions = _numbers(batch, Col.STATUS), _texts(batch, Col.ACTION)
        kinds = batch.columns.get(Col.KIND)
        self.kinds = [batch.kind] * len(batch) if kinds is None else [str(kind or batch.kind) for kind in kinds]
        self.methods = _texts(batch, Col.METHOD)
        self.users, self.addresses = _texts(batch, Col.USER), _texts(batch, Col.SOURCE_IP)

    @cached_property
    def urls(self) -> Sequence[str]:
        """Few requests are judged by theirs."""
        return _texts(self.batch, Col.URL)

    def prove(self, index: int, found: Candidates, path: str, query: str) -> Proven | None:
        """What one of them proves."""
        action = self.actions[index]
        request = Request(
            kind=Kind(self.kinds[index]),
            at=self.instants[index],
            target=Target(found.host, path, query),
            method=self.methods[index].upper(),
            status=self.statuses[index] or 0,
            action=Action(action) if action else None,
            bytes_sent=self.sent[index] or 0,
        )
        return prove(found, request, found.thresholds)


def _names(batch: EventBatch) -> list[Sequence[Value | None]]:
    return [cells for name in _NAMES if (cells := batch.columns.get(name)) is not None]


def _texts(batch: EventBatch, name: Col) -> list[str]:
    cells = batch.columns.get(name)
    return [""] * len(batch) if cells is None else [cell if isinstance(cell, str) else "" for cell in cells]


def _numbers(batch: EventBatch, name: Col) -> list[int | None]:
    cells = batch.columns.get(name)
    return [None] * len(batch) if cells is None else [cell if isinstance(cell, int) else None for cell in cells]


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
