"""Progress by bytes on a terminal, with speed and time left."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from detector.sources import Compression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from detector.audit import Input

USUAL_RATIO = 8
"""Bytes of log per compressed byte, as logs usually are: only the time left rests on it."""


@contextmanager
def shown(inputs: Sequence[Input]) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while the block runs; gives the function that is told bytes."""
    total = sum(
        one.size * (1 if one.segment.compression is Compression.NONE else USUAL_RATIO)
        for one in inputs
        if not one.unread and not one.copy_of
    )
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    progress = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
    with progress:
        task = progress.add_task("reading", total=total)

        def advance(count: int) -> None:
            progress.advance(task, count)
            progress.refresh()

        yield advance
