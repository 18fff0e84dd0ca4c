"""A story ready to be written: its logs, its people, its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from storyline.answers import Told, answered
from storyline.clock import DAY, moment
from storyline.expectation import Owners, finding, planted, with_accounts
from storyline.people import directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from storyline.desks import Desks
    from storyline.layout import Log
    from storyline.people import Person


@dataclass(frozen=True, slots=True)
class Story:
    """One story.

    Attributes:
        name: also its folder's.
        people: everybody whom the logs can name.
        logs: what the devices wrote, with the addresses that workstations had at first.
        desks: who sat where, and which address a workstation had later.
        told: what only the author knows.
        documents: file name → text of what else lies in the folder.
    """

    name: str
    people: Sequence[Person]
    logs: Sequence[Log]
    desks: Sequence[Desks] = ()
    told: Told = field(default_factory=Told)
    documents: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the logs below ``logs/``, the people directory and what an audit must find."""
        files = {name: content for log in self.logs for name, content in self._moved(log).files()}
        for name, content in files.items():
            path = folder / self.name / "logs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        answers = json.dumps(self.expected(len(files)), indent=1) + "\n"
        documents = {"expected.json": answers, "people.csv": directory(self.people), **self.documents}
        for name, text in documents.items():
            (folder / self.name / name).write_bytes(text.encode())

    def expected(self, files: int) -> dict[str, object]:
        """What must be found, and answered."""
        logs, owners = [self._kept(log) for log in self.logs], Owners(self.people, self.desks)
        people = planted(logs, owners.known)
        found: dict[str, object] = {
            "files": files,
            "findings": [finding(key, one) for key, one in planted(logs, owners.named).items()],
            "people_at_signed_up_or_above": sorted(with_accounts(people)),
        }
        return found | answered(self.told, self.people, people)

    def _moved(self, log: Log) -> Log:
        events = log.events
        for desks in self.desks:
            events = [desks.moved(event) for event in events]
        return replace(log, events=events)

    def _kept(self, log: Log) -> Log:
        """The log with those events only that lie in one of its files: others were lost."""
        cuts = [(start, end) for start, end, _ in log.cuts]
        kept = [event for event in log.events if event.proof and any(start <= event.at < end for start, end in cuts)]
        return replace(log, events=kept)


def weekly(start: int, end: int, name: str, weeks: int = 1) -> list[tuple[int, int, str]]:
    """Files that end every so many Sundays at midnight, ``{}`` in the name for that date."""
    sundays = [day for day in range(start + DAY, end, DAY) if moment(day).weekday() == 6]
    edges = [start, *sundays[weeks - 1 :: weeks], end]
    return [(begin, stop, name.format(f"{moment(stop):%Y%m%d}")) for begin, stop in pairwise(edges)]
