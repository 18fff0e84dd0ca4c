"""From logs to ranked unknown domains: a first look at everything, a second look at what few people asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, TypeVar

from detector.discovery.closer import SecondLook, Traits
from detector.discovery.inventory import Inventory, Window
from detector.discovery.mails import SignUps
from detector.discovery.outcome import Discovery, Log, Source
from detector.discovery.ranking import Found, rank
from detector.discovery.sweep import FirstLook, Looker
from detector.engines import engine_named
from detector.errors import UnreadableSource
from detector.events import Line, read_lines
from detector.prefilter import LiteralScanner, scanner_of
from detector.scan import Fragment, Settings, gather, joined
from detector.sources import DamagedStream, open_stream, range_bytes, segments_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from detector.discovery.leaving import Leaving
    from detector.events import Dialect
    from detector.signatures import Ruleset

Result = TypeVar("Result")

SEVERAL_BYTES = 32 * 1024 * 1024
"""Below so many bytes on disk one process is faster than forking others."""
HEAD_BYTES = 64 * 1024
"""Where the header of a log is looked for."""
LOOKED_AT = 2000
"""Domains that a second look is taken at; more would slow it down, and nobody reads so far."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a discovery is to be done.

    Attributes:
        window: what counts.
        max_people: a domain that more people asked for is no news to anybody.
        top: rows to give.
        key: of the pseudonyms; ``None``: people are shown by name.
        jobs: worker processes.
        glances: read chunks at a glance where their format allows it; never changes the result.
    """

    window: Window = field(default_factory=Window)
    max_people: int = 10
    top: int = 50
    key: bytes | None = None
    jobs: int = 1
    glances: bool = True


@dataclass(frozen=True, slots=True)
class _Task:
    index: int
    log: Log
    dialect: Dialect


@dataclass(frozen=True, slots=True)
class _First:
    task: _Task
    inventory: Inventory
    source: Source
    left: Dialect


@dataclass(slots=True)
class _Running:
    """One discovery while it runs."""

    logs: Sequence[Log]
    terms: Terms
    looker: Looker
    sources: list[Source]
    total: Inventory = field(default_factory=Inventory)
    chosen: frozenset[str] = frozenset()
    literals: dict[str, LiteralScanner] = field(default_factory=dict)

    def first(self, task: _Task, advance: Callable[[int], None]) -> _First:
        """The first look at one range."""
        looker = self.looker
        if task.log.is_baseline:
            looker = replace(looker, window=Window(until=looker.window.until))
        look = FirstLook(task.log, task.dialect, looker)
        look.run(advance)
        source = Source(
            task.log.segment.name, "", look.bytes, look.lines, look.parsed, look.unparsed, look.unread
        )  # fmt: skip
        return _First(task, look.inventory, source, look.dialect)

    def second(self, task: _Task, advance: Callable[[int], None]) -> dict[str, Traits]:
        """The second look at one range."""
        name = task.log.log_format.name if task.log.log_format else ""
        looker = self.looker
        look = SecondLook(task.log, task.dialect, looker.leaving, looker.window, self.chosen, self.literals[name])
        look.run(advance)
        return look.traits

    def tasks(self) -> list[_Task]:
        """Ranges of all logs that are read."""
        tasks: list[_Task] = []
        for index, log in enumerate(self.logs):
            segments = segments_of(log.segment, log.size, range_bytes(log.size, self.terms.jobs)) if log.is_read else []
            below = _below_head(log) if len(segments) > 1 else log.dialect
            tasks += [_Task(index, replace(log, segment=one), below if one.start else log.dialect) for one in segments]
        return tasks

    def inventory(self, advance: Callable[[int], None]) -> list[_Task]:
        """Take the first look; gives the tasks with the dialects that were in force."""
        done: list[_Task] = []
        left: dict[int, Dialect] = {}
        for result in self._on_engine(self.tasks(), self.first, advance):
            index = result.task.index
            one = result
            if left.get(index, result.task.dialect) != result.task.dialect:
                one = self.first(replace(result.task, dialect=left[index]), lambda _bytes: None)
            left[index] = one.left
            done.append(one.task)
            self._take(one)
        return done

    def _take(self, one: _First) -> None:
        source, read = self.sources[one.task.index], one.source
        source.bytes += read.bytes
        source.lines += read.lines
        source.parsed += read.parsed
        source.unparsed += read.unparsed
        source.unread = source.unread or read.unread
        if one.task.log.is_baseline:
            self.total.old |= one.inventory.old | one.inventory.domains.keys() | one.inventory.many
        else:
            self.total.merge(one.inventory, self.terms.max_people)

    def join(self, tasks: Sequence[_Task]) -> None:
        """Put the mail of formats together whose transactions span lines."""
        mails = self.total.mails
        fragments: dict[str, list[Fragment]] = {}
        keys = frozenset(self.total.keys)
        joining = [one for one in tasks if one.log.log_format is not None and one.log.log_format.join and keys]
        for task in joining:
            log_format = task.log.log_format
            if log_format is not None and not task.log.is_baseline:
                found = gather(task.log.segment, log_format, task.dialect, keys, Settings(), task.index)
                fragments.setdefault(log_format.name, []).extend(found)
        for log_format in {
            one.log.log_format.name: one.log.log_format for one in joining if one.log.log_format
        }.values():
            for _, batch in joined(fragments.get(log_format.name, ()), log_format):
                mails.merge(self.looker.sign_ups.of(batch, self.terms.window.covers))

    def rare(self) -> list[str]:
        """New domains that few people asked for, the most asked for first."""
        total = self.total
        rare = [(domain, presence) for domain, presence in total.domains.items() if domain not in total.old]
        rare.sort(key=lambda one: (one[0] not in total.mails.domains, -len(one[1].people), -one[1].lines, one[0]))
        return [domain for domain, _ in rare]

    def closer(self, chosen: Sequence[str], tasks: Sequence[_Task]) -> dict[str, Traits]:
        """Take the second look at the chosen domains."""
        self.chosen = frozenset(chosen)
        tasks = [one for one in tasks if not one.log.is_baseline] if chosen else []
        for task in tasks:
            log_format = task.log.log_format
            if log_format is not None and log_format.name not in self.literals:
                words = [log_format.spell(domain) for domain in sorted(self.chosen)]
                self.literals[log_format.name] = scanner_of(words, (*log_format.head_literals, *log_format.encoded))
        traits: dict[str, Traits] = {}
        for found in self._on_engine(tasks, self.second, lambda _bytes: None):
            for domain, one in found.items():
                traits.setdefault(domain, Traits()).merge(one)
        return traits

    def outcome(self, rare: Sequence[str], traits: Mapping[str, Traits], ruleset: str) -> Discovery:
        """Rank what was found."""
        total, terms = self.total, self.terms
        dated = terms.window.since is not None or any(log.is_baseline for log in self.logs)
        mails = {domain: one for domain, one in total.mails.domains.items() if domain not in total.old}
        found = [Found(name, traits.get(name), mails.get(name)) for name in sorted({*traits, *mails})]
        rows = rank(found, people=len(total.people), limit=terms.max_people, dated=dated, key=terms.key)
        return Discovery(
            rows=tuple(rows[: terms.top]),
            sources=tuple(sorted(self.sources, key=lambda one: one.path)),
            ruleset=ruleset,
            since=terms.window.since,
            until=terms.window.until,
            people=len(total.people),
            domains=len(total.domains.keys() | total.many | mails.keys()),
            rare=len(rare),
            looked=min(len(rare), LOOKED_AT),
            names=terms.key is None,
            dated=dated,
        )

    def _on_engine(
        self,
        tasks: Sequence[_Task],
        work: Callable[[_Task, Callable[[int], None]], Result],
        advance: Callable[[int], None],
    ) -> Iterator[Result]:
        size = sum(log.size for log in self.logs if log.is_read)
        several = self.terms.jobs > 1 and len(tasks) > 1 and size >= SEVERAL_BYTES
        engine = engine_named("processes" if several else "serial")

        def numbered(number: int, told: Callable[[int], None]) -> Result:
            return work(tasks[number], told)

        return engine.run(range(len(tasks)), numbered, jobs=self.terms.jobs, advance=advance)


def discover(
    logs: Sequence[Log],
    ruleset: Ruleset,
    leaving: Leaving,
    terms: Terms,
    advance: Callable[[int], None] = lambda _bytes: None,
) -> Discovery:
    """Look through planned logs.

    Args:
        logs: what to read, the baseline among them.
        ruleset: the catalogue, for its mail subjects.
        leaving: what is no news.
        terms: how.
        advance: told the bytes that were read, for progress.
    """
    looker = Looker(leaving, SignUps(ruleset, leaving), terms.window, terms.max_people, terms.glances)
    running = _Running(logs, terms, looker, [_source(log) for log in logs])
    tasks = running.inventory(advance)
    running.join(tasks)
    rare = running.rare()
    return running.outcome(rare, running.closer(rare[:LOOKED_AT], tasks), ruleset.digest)


def _below_head(log: Log) -> Dialect:
    """The dialect below the header at the top of a log: what its later ranges most likely begin with."""
    dialect = log.dialect
    try:
        with open_stream(log.segment) as reader:
            lines = reader.read(HEAD_BYTES).split(b"\n")
    except (DamagedStream, UnreadableSource, OSError):
        return dialect
    head = [Line(0, raw) for raw in takewhile(lambda line: line.startswith(b"#"), lines)]
    return dialect if log.log_format is None else read_lines(log.log_format, dialect, head).dialect


def _source(log: Log) -> Source:
    name = log.log_format.name if log.log_format else ""
    unread = log.unread or (f"a copy of {log.copy_of}" if log.copy_of else "")
    return Source(log.segment.name, name, unread=unread, is_baseline=log.is_baseline)
