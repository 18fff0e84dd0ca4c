"""Who runs the work: one file per engine; this file only finds them."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, TypeVar

from detector.errors import UsageError

Task = TypeVar("Task")
Result = TypeVar("Result")


class Run(Protocol):
    """Runs ``work`` on every task and gives the results in the order of the tasks.

    ``work`` gets a task and a function that it tells the bytes it has read; ``advance`` is told them here. Whoever has
    enough results drops the iterator: tasks that nobody has begun may be left undone then.
    """

    def __call__(
        self,
        tasks: Sequence[Task],
        work: Callable[[Task, Callable[[int], None]], Result],
        *,
        jobs: int,
        advance: Callable[[int], None],
    ) -> Iterator[Result]:
        """Run."""
        ...


class Share(Protocol):
    """Makes tasks common property."""

    def __call__(self, tasks: Sequence[Task]) -> Iterable[Task]:
        """Share."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to run work.

    Attributes:
        name: id and file name.
        run: see ``Run``.
        share: tasks that the calls of ``work`` take from one another: made before ``run``, gone through in ``work``;
            each task comes to one of them. So a worker is busy while there is work, and what it made of many tasks is
            handed over once.
    """

    name: str
    run: Run
    share: Share


def engine_named(name: str) -> Engine:
    """The engine of a name.

    Raises:
        UsageError: there is none.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    if name in names:
        engine: Engine = import_module(f"{__name__}.{name}").ENGINE
        return engine
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to load, and rarely needed

    for point in entry_points(group="detector.engines", name=name):
        foreign: Engine = point.load()
        return foreign
    raise UsageError(f"no engine is called {name!r}: there are {', '.join(names)}")
