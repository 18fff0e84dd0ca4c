"""Tasks on several cores of this machine: forked processes, which inherit what the work has made ready.

``work`` is not pickled, so it may hold compiled databases and open nothing again; tasks and results are.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from detector.engines import Engine, Result, Task
from detector.forking import deaf_to_ctrl_c, end_by_ctrl_c

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from multiprocessing.sharedctypes import Synchronized

POLL_S = 0.1
"""How often progress is told."""


class _Shared(Iterable[Task]):
    """Tasks that processes forked later take from one another."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._taken: Synchronized[int] = multiprocessing.get_context("fork").Value("q", 0)

    def __iter__(self) -> Iterator[Task]:
        while (place := self._next()) < len(self._tasks):
            yield self._tasks[place]

    def _next(self) -> int:
        with self._taken.get_lock():
            self._taken.value += 1
            return self._taken.value - 1


class _Worker:
    """What a worker process was forked with; empty in the process that forks."""

    work: Callable[[Any, Callable[[int], None]], Any]
    progress: Synchronized[int]


def run(
    tasks: Sequence[Task],
    work: Callable[[Task, Callable[[int], None]], Result],
    *,
    jobs: int,
    advance: Callable[[int], None],
) -> Iterator[Result]:
    """Run the tasks on ``jobs`` processes; results come in the order of the tasks."""
    if not tasks:
        return
    context = multiprocessing.get_context("fork")
    progress = context.Value("q", 0)
    told = 0
    with ProcessPoolExecutor(min(jobs, len(tasks)), context, _begin, (work, progress)) as pool:
        futures: deque[Future[Result]] = deque()
        try:
            with deaf_to_ctrl_c():
                futures.extend(pool.submit(_call, task) for task in tasks)  # the first one forks all workers
            while futures:
                while not futures[0].done():
                    wait([futures[0]], POLL_S)
                    told = _tell(progress, told, advance)
                told = _tell(progress, told, advance)
                yield futures.popleft().result()  # whoever takes it alone decides how long it lives
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():
                worker.kill()  # most heard it too, but one that was forked a moment later did not; they only read
            raise
        finally:
            for future in futures:
                future.cancel()


def _begin(work: Callable[[Any, Callable[[int], None]], Any], progress: Synchronized[int]) -> None:
    end_by_ctrl_c()
    _Worker.work = staticmethod(work)
    _Worker.progress = progress


def _call(task: Any) -> Any:
    return _Worker.work(task, _add)


def _add(count: int) -> None:
    with _Worker.progress.get_lock():
        _Worker.progress.value += count


def _tell(progress: Synchronized[int], told: int, advance: Callable[[int], None]) -> int:
    now = progress.value
    if now != told:
        advance(now - told)
    return now


ENGINE = Engine(name="processes", run=run, share=_Shared)
