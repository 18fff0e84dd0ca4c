"""Many records at once: the columns of their events, the same that ``Table.row`` gives for each.

A column is read at once for all records; only where its first name says nothing are the records looked at that have
none. Records share their names mostly, so that what no record has costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from detector.events import Action, Col, Kind
from detector.grammars import many, moments
from detector.grammars.records import CHALLENGES, Asked, text_of, value_at
from detector.grammars.verdicts import Either, Words

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from detector.events import Dialect, Value
    from detector.grammars.records import Cells, Step, Table
    from detector.grammars.verdicts import Verdict

_AT, _URL, _DOMAIN, _SERVER_NAME, _STATUS, _ACTION, _QUESTION, _KIND = (
    Col.AT, Col.URL, Col.DOMAIN, Col.SERVER_NAME, Col.STATUS, Col.ACTION, Col.QUESTION, Col.KIND,
)  # fmt: skip
Column: TypeAlias = "Sequence[Value | None]"
"""n cells, ``None`` where a record does not hold the column."""


def columns(table: Table, records: Sequence[Cells], dialect: Dialect) -> dict[Col, Column]:
    """The columns of n events; those that no record holds are left out, or hold ``None`` only."""
    names = set[str]().union(*records)
    found: dict[Col, Column] = {}
    for step in table.steps:
        if (cells := _read(step, records, names)) is not None:
            found[step.column] = cells
    if table.when is not None:
        found[_AT] = moments.column(table.when, records, names, dialect)
    if _URL in found or _SERVER_NAME in found:
        _complete(found, table, records)
    for column, derive in (*((step.column, step.value) for step in table.later), *table.derived):
        known = found.get(column) or [None] * len(records)
        if None in known:
            found[column] = [
                derive(record) if cell is None else cell for record, cell in zip(records, known, strict=True)
            ]
    if _STATUS in found or table.verdict is not None:
        found[_ACTION] = _actions(found.get(_STATUS), table, records, names)
    if _QUESTION in found and table.asked is not Asked.SAME:
        _ask(found, table.asked)
    if table.kind is not None:
        found[_KIND] = [table.kind.value] * len(records)
    return found


def _read(step: Step, records: Sequence[Cells], names: AbstractSet[str]) -> Column | None:
    """The cells of one column, ``None`` where no record has one of its names."""
    found: list[Value | None] | None = None
    for name, path in step.names:
        if name not in names and not (path and path[0] in names):
            continue
        if found is None:
            texts = _texts(records, name, path)
            if "" not in texts and "-" not in texts:
                cells = step.many(texts)
                if None not in cells:
                    return cells
                found = list(cells)
                continue
            found = [None] * len(records)
            left = list(range(len(records)))
        else:
            left = [at for at, cell in enumerate(found) if cell is None]
            texts = _texts([records[at] for at in left], name, path)
        said = [(at, text) for at, text in zip(left, texts, strict=True) if text and text != "-"]
        if said:
            for (at, _), cell in zip(said, step.many([text for _, text in said]), strict=True):
                found[at] = cell
    return found


def _texts(records: Sequence[Cells], name: str, path: tuple[str, ...]) -> Sequence[str]:
    """The texts of the records' cells of one name, empty where they have none."""
    cells = [record.get(name) for record in records]
    if path:
        cells = [value_at(record, path) if cell is None else cell for record, cell in zip(records, cells, strict=True)]
    return [cell if type(cell) is str else "" if cell is None else text_of(cell) for cell in cells]


def _complete(found: dict[Col, Column], table: Table, records: Sequence[Cells]) -> None:
    """The hosts of URLs and of TLS names; URLs that are only a path get their host."""
    nothing: Column = [None] * len(records)
    urls, hosts, names = (found.get(column) or nothing for column in (_URL, _DOMAIN, _SERVER_NAME))
    written = [url for url in urls if isinstance(url, str)]
    if len(written) == len(urls) and not any(url[0] == "/" for url in written):
        if None in hosts:
            hosts = [
                there if host is None else host for host, there in zip(hosts, many.hosts_of_urls(written), strict=True)
            ]
        if None in hosts:
            hosts = [name if host is None else host for host, name in zip(hosts, names, strict=True)]
        found[_DOMAIN] = hosts
        return
    rows = [
        table.completed(record, url, host, name)
        for record, url, host, name in zip(records, urls, hosts, names, strict=True)
    ]
    found[_URL] = [row.get(_URL, url) for row, url in zip(rows, urls, strict=True)]
    found[_DOMAIN] = [row.get(_DOMAIN) for row in rows]


def _actions(statuses: Column | None, table: Table, records: Sequence[Cells], names: AbstractSet[str]) -> Column:
    """What the devices did; a status that asks for a login outranks what they say."""
    said: Column = _said(table.verdict, records, names)
    if statuses is None or CHALLENGES.isdisjoint(statuses):
        return said
    return [Action.CHALLENGE if status in CHALLENGES else action for status, action in zip(statuses, said, strict=True)]


def _said(verdict: Verdict | None, records: Sequence[Cells], names: AbstractSet[str]) -> list[Action | None]:
    if verdict is None:
        return [None] * len(records)
    if isinstance(verdict, Either):
        first, *rest = verdict.verdicts
        found = _said(first, records, names)
        verdict = Either(tuple(rest))
    elif isinstance(verdict, Words):
        held = tuple(field for field in verdict.fields if field[0] in names or (field[1] and field[1][0] in names))
        if not held:
            return [None] * len(records)
        texts = _texts(records, *held[0])
        meanings = {text: verdict.of(text) for text in set(texts)}
        found = [meanings[text] for text in texts]
        verdict = Words(held[1:], verdict.meaning)
    else:
        return [verdict(record) for record in records]
    return [verdict(record) if action is None else action for record, action in zip(records, found, strict=True)]


def _ask(found: dict[Col, Column], asked: Asked) -> None:
    """The kind of the events that ask a name."""
    questions = found[_QUESTION]
    hosts = found.get(_DOMAIN) or [None] * len(questions)
    if asked is Asked.ONLY:
        found[_DOMAIN] = [host if question is None else None for question, host in zip(questions, hosts, strict=True)]
    found[_KIND] = [
        None if question is None or (host is not None and asked is Asked.ALONE) else Kind.DNS.value
        for question, host in zip(questions, hosts, strict=True)
    ]
