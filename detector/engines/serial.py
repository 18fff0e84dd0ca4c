"""Everything in this process, one task after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.engines import Engine, Result, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


def run(
    tasks: Sequence[Task],
    work: Callable[[Task, Callable[[int], None]], Result],
    *,
    jobs: int,  # noqa: ARG001 - there is one worker, whatever is asked for
    advance: Callable[[int], None],
) -> Iterator[Result]:
    """Run the tasks in order."""
    for task in tasks:
        yield work(task, advance)


def share(tasks: Sequence[Task]) -> Iterable[Task]:
    """The same tasks: who takes one leaves it to nobody else."""
    return iter(tasks)


ENGINE = Engine(name="serial", run=run, share=share)
