"""What a pass would read and tell, tried on a copy of the store: nothing is written, nothing goes out."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from detector.errors import UsageError
from detector.sources import Compression, Fate
from detector.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.daemon.crew import Crew
    from detector.sources import Binding, Log

_SCHEME = "sqlite:///"


@contextmanager
def copied(url: str, key: bytes) -> Iterator[Store]:
    """A copy of the store of a URL, gone at the end; an empty one where there is none yet.

    Raises:
        UsageError: it is on a server.
        StoreFault: it cannot be read.
    """
    if not url.startswith(_SCHEME):
        raise UsageError(
            "--dry-run works on a copy of the store, and one on a server is not copied: name another store"
        )
    file = Path(url.removeprefix(_SCHEME))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "rehearsal.db"
        if file.exists():
            with Store.open(url, writable=False) as real:
                real.backup(copy)
        with Store.open(f"{_SCHEME}{copy}", writable=True, key=key) as store:
            yield store


def lines(crew: Crew) -> Iterator[str]:
    """What would be read, then, after a pass over everything, what would be told."""
    now = crew.clock()
    for name, reader in crew.readers.items():
        found, refused = reader.look(now)
        for one in found.files:
            yield f"{name}: {one.file.name}: {_intention(one)}"
        for fault in refused:
            yield f"{name}: {fault.path}: would be noted as a gap: {fault.reason}"
    outcome = crew.run(list(crew.readers))
    yield f"{outcome.bytes} bytes would be read, {outcome.sightings} new sightings kept"
    for channel in crew.inforce.channels:
        for backlog in crew.store.backlogs():
            if backlog.sink == channel.name:
                yield f"{channel.name} ({channel.type}): {backlog.pending} alerts would wait to be told"
        for delivery in crew.store.due(crew.clock(), channel.name):
            yield f"{channel.name}: {delivery.alert.severity}: {delivery.alert.reason}"


def _intention(binding: Binding[Log]) -> str:
    if binding.fate is Fate.MIRROR:
        return "a copy of another one, would be skipped"
    if binding.fate is Fate.WAITING:
        return "is still being written, would wait"
    log, state = binding.file, binding.state
    offset = state.offset if state else 0
    if log.compression is not Compression.NONE:
        return f"{binding.fate}, would be read from byte {offset} on" if not (state and state.is_final) else "was read"
    return f"{binding.fate}, would be read from byte {offset} to {log.size}" if log.size > offset else "was read"
