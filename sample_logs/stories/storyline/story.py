"""A story ready to be written: its logs, its people, its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from storyline.clock import DAY, moment
from storyline.expectation import expected
from storyline.people import directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from storyline.layout import Log
    from storyline.people import Person


@dataclass(frozen=True, slots=True)
class Story:
    """One story.

    Attributes:
        name: also its folder's.
        people: everybody whom the logs can name.
        logs: what the devices wrote.
    """

    name: str
    people: Sequence[Person]
    logs: Sequence[Log]

    def write(self, folder: Path) -> None:
        """Write the logs below ``logs/``, the people directory and what an audit must find."""
        files = {name: content for log in self.logs for name, content in log.files()}
        for name, content in files.items():
            path = folder / self.name / "logs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        answers = json.dumps(expected(self.logs, self.people, len(files)), indent=1) + "\n"
        (folder / self.name / "expected.json").write_bytes(answers.encode())
        (folder / self.name / "people.csv").write_bytes(directory(self.people).encode())


def weekly(start: int, end: int, name: str) -> list[tuple[int, int, str]]:
    """Files that end each Sunday at midnight, ``{}`` in the name for that date."""
    edges = [start, *(day for day in range(start + DAY, end, DAY) if moment(day).weekday() == 6), end]
    return [(begin, stop, name.format(f"{moment(stop):%Y%m%d}")) for begin, stop in pairwise(edges)]
