"""Many records at once: the columns of their events, the same that ``Table.row`` gives for each.

A column is read at once for all records; only where its first name says nothing are the records looked at that have
none. Records share their names mostly, so that what no record has costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from detector.events import Action, Col, Kind
from detector.grammars import many, moments
from detector.grammars.records import CHALLENGES, Asked
from detector.grammars.together import Meant, Together
from detector.grammars.verdicts import Either, Words

if TYPE_CHECKING:
    from detector.events import Dialect, Value
    from detector.grammars.records import Step, Table
    from detector.grammars.sheets import Sheet
    from detector.grammars.verdicts import Verdict

_AT, _URL, _DOMAIN, _SERVER_NAME, _STATUS, _ACTION, _QUESTION, _KIND = (
    Col.AT, Col.URL, Col.DOMAIN, Col.SERVER_NAME, Col.STATUS, Col.ACTION, Col.QUESTION, Col.KIND,
)  # fmt: skip
_NOTHING = frozenset(("", "-"))
Column: TypeAlias = "Sequence[Value | None]"
"""n cells, ``None`` where a record does not hold the column."""


def columns(table: Table, sheet: Sheet, dialect: Dialect) -> dict[Col, Column]:
    """The columns of n events; those that no record holds are left out, or hold ``None`` only."""
    found: dict[Col, Column] = {}
    for step in table.steps:
        if (cells := _read(step, sheet)) is not None:
            found[step.column] = cells
    if table.when is not None:
        found[_AT] = moments.column(table.when, sheet, dialect)
    if _URL in found or _SERVER_NAME in found:
        _complete(found, table, sheet)
    for column, derive in (*((step.column, step.value) for step in table.later), *table.derived):
        known = found.get(column) or [None] * len(sheet)
        if None in known:
            more = _together(derive, sheet) if isinstance(derive, Together) else map(derive, sheet.records)
            found[column] = [other if cell is None else cell for cell, other in zip(known, more, strict=True)]
    if _STATUS in found or table.verdict is not None:
        found[_ACTION] = _actions(found.get(_STATUS), table, sheet)
    if _QUESTION in found and table.asked is not Asked.SAME:
        _ask(found, table.asked)
    if table.kind is not None:
        found[_KIND] = [table.kind.value] * len(sheet)
    return found


def _read(step: Step, sheet: Sheet) -> Column | None:
    """The cells of one column, ``None`` where no record has one of its names."""
    found: list[Value | None] | None = None
    for name, path in step.names:
        if not sheet.has(name, path):
            continue
        texts = sheet.texts(name, path)
        if found is None and "" not in texts and "-" not in texts:
            cells = step.many(texts)
            if None not in cells:
                return cells
            found = list(cells)
            continue
        if found is None:
            found = [None] * len(texts)
        said = [
            at
            for at, (text, cell) in enumerate(zip(texts, found, strict=True))
            if cell is None and text not in _NOTHING
        ]
        if said:
            for at, cell in zip(said, step.many([texts[at] for at in said]), strict=True):
                found[at] = cell
    return found


def _complete(found: dict[Col, Column], table: Table, sheet: Sheet) -> None:
    """The hosts of URLs and of TLS names; URLs that are only a path get their host."""
    nothing: Column = [None] * len(sheet)
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
        for record, url, host, name in zip(sheet.records, urls, hosts, names, strict=True)
    ]
    found[_URL] = [row.get(_URL, url) for row, url in zip(rows, urls, strict=True)]
    found[_DOMAIN] = [row.get(_DOMAIN) for row in rows]


def _actions(statuses: Column | None, table: Table, sheet: Sheet) -> Column:
    """What the devices did; a status that asks for a login outranks what they say."""
    said: Column = said_by(table.verdict, sheet)
    if statuses is None or CHALLENGES.isdisjoint(statuses):
        return said
    return [Action.CHALLENGE if status in CHALLENGES else action for status, action in zip(statuses, said, strict=True)]


def said_by(verdict: Verdict | None, sheet: Sheet) -> list[Action | None]:
    """What the devices did by their own words: (n,)."""
    found: list[Action | None] = [None] * len(sheet)
    if isinstance(verdict, Either):
        for one in verdict.verdicts:
            if None in found:
                found = [more if said is None else said for said, more in zip(found, said_by(one, sheet), strict=True)]
        return found
    if isinstance(verdict, Together):
        return _together(verdict, sheet)
    if not isinstance(verdict, Words):
        return found if verdict is None else [verdict(record) for record in sheet.records]
    for field in verdict.fields:
        if None in found and sheet.has(*field):
            texts = sheet.texts(*field)
            meanings = {text: verdict.of(text) for text in set(texts)}
            found = [meanings[text] if said is None else said for said, text in zip(found, texts, strict=True)]
    return found


def _together(word: Together[Meant], sheet: Sheet) -> list[Meant | None]:
    """What several fields say, each set of texts looked at once."""
    said = list(zip(*(sheet.texts_at(path) for path in word.fields), strict=True))
    known = {texts: word.meaning(*texts) for texts in set(said)}
    return [known[texts] for texts in said]


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
