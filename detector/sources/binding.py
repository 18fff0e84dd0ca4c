"""Which stream each file on disk is: a log keeps its identity through renames, copies, truncation and compression.

Files are gone over oldest first, and each

- **goes on** where the stream that its inode had still verifies, or
- **adopts** a stream that has no file any more (renamed by copying, compressed, or met again under another inode), or
- is a **mirror** of a stream that another file holds (a copy half made, ``gzip`` before it unlinks, a backup) and is
  skipped, or
- **waits** where it is still being written and looks like a copy of a stream whose file has gone, or
- is a **new** stream from its first byte; never from its end.

Of several files that hold one stream the longest goes on. Left over is this ambiguity: a replacement with the same
inode (or of a file that has gone), the same head and the same 4 KiB before the frontier is taken for the stream.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from detector.errors import UnreadableSource
from detector.sources.compression import Compression, DamagedStream
from detector.sources.streams import FileKey, Seen, StreamState, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

File = TypeVar("File", bound=Seen)

PATIENCE_US = 60_000_000
"""How long a file must be left alone before it cannot be a copy half made any more."""


class Fate(StrEnum):
    """What a file on disk is."""

    GOES_ON = "goes on"
    ADOPTED = "adopted"
    NEW = "new"
    TRUNCATED = "truncated"
    """A new stream too: in the place of another, whose bytes are no longer in this file."""
    MIRROR = "mirror"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Binding(Generic[File]):
    """One file and its stream.

    Attributes:
        file: on disk.
        fate: how they came together.
        state: the stream; of a mirror the one that it shows; ``None`` for a new one and for one that waits.
    """

    file: File
    fate: Fate
    state: StreamState | None = None


class Bindings(NamedTuple, Generic[File]):
    """All files of a source.

    Attributes:
        files: oldest first.
        gone: streams that no file on disk holds.
        unread: files that could not be looked at; the streams of their inodes have not gone.
    """

    files: tuple[Binding[File], ...]
    gone: tuple[StreamState, ...]
    unread: tuple[UnreadableSource, ...] = ()


def bind(
    files: Iterable[File], known: Sequence[StreamState], now: int, mirrors: Mapping[FileKey, str] | None = None
) -> Bindings[File]:
    """Bind the files of one source to its streams; empty files are left out.

    Args:
        files: all that lie on disk.
        known: the streams of the source.
        now: the present.
        mirrors: files that were mirrors before and have not changed, with the ids of their streams: archives are not
            unpacked again and again to find that they still are.
    """
    places = {(one.device, one.inode) for one in known if one.offset}
    binder: _Binder[File] = _Binder(list(known), places, now, mirrors or {})
    ordered = sorted((file for file in files if file.size), key=lambda one: (one.modified, one.name))
    rest = [file for file in ordered if not binder.tried(binder.goes_on, file)]
    for file in rest:
        binder.tried(binder.place, file)
    order = {id(file): position for position, file in enumerate(ordered)}
    bound = sorted(binder.bindings, key=lambda one: order[id(one.file)])
    return Bindings(tuple(bound), tuple(binder.unbound), tuple(binder.unread))


@dataclass(slots=True)
class _Binder(Generic[File]):
    """What is bound so far."""

    unbound: list[StreamState]
    places: set[tuple[int, int]]
    now: int
    mirrors: Mapping[FileKey, str]
    bindings: list[Binding[File]] = field(default_factory=list)
    unread: list[UnreadableSource] = field(default_factory=list)
    reserved: list[StreamState] = field(default_factory=list)

    def tried(self, step: Callable[[File], bool], file: File) -> bool:
        """Take one step with a file; one that cannot be looked at is done with."""
        try:
            return step(file)
        except UnreadableSource as fault:
            self.unread.append(fault)
        except (DamagedStream, OSError) as fault:
            self.unread.append(UnreadableSource(file.name, str(fault)))
        place = (file.device, file.inode)
        self.reserved += [one for one in self.unbound if (one.device, one.inode) == place]
        self.unbound = [one for one in self.unbound if (one.device, one.inode) != place]
        return True

    def goes_on(self, file: File) -> bool:
        """Bind a file to the stream of its inode, if that verifies; the furthest read of several."""
        mine = [one for one in self.unbound if (one.device, one.inode) == (file.device, file.inode)]
        for state in sorted(mine, key=lambda one: -one.offset):
            is_settled = state.is_final and key_of(state) == key_of(file)
            if is_settled or (_same_place(state, file) and (state.offset == 0 or _verifies(file, state))):
                self._bind(file, Fate.GOES_ON, state)
                return True
        return False

    def place(self, file: File) -> bool:
        """Bind a file whose inode says nothing; an empty one is nothing yet."""
        shown = self.mirrors.get(key_of(file), "")
        if not file.head or (shown and self._shows(file, shown)):
            return True
        holders = [one for one in self.bindings if one.fate not in (Fate.MIRROR, Fate.WAITING)]
        if any(_same_head(file, other.file) and self._beside(file, other) for other in holders):
            return True
        orphans = sorted((one for one in self.unbound if one.offset), key=lambda one: -one.offset)
        if (mine := next((one for one in orphans if _verifies(file, one)), None)) is not None:
            self._bind(file, Fate.ADOPTED, mine)
        elif self._shows_unread(file) or (
            abs(self.now - file.modified) < PATIENCE_US and any(_may_become(file, one) for one in orphans)
        ):
            self.bindings.append(Binding(file, Fate.WAITING))
        else:
            fate = Fate.TRUNCATED if (file.device, file.inode) in self.places else Fate.NEW
            self.bindings.append(Binding(file, fate))
        return True

    def _shows_unread(self, file: File) -> bool:
        """Whether a file shows a stream whose own file could not be looked at just now."""
        return any(one.offset and (_verifies(file, one) or _may_become(file, one)) for one in self.reserved)

    def _shows(self, file: File, stream: str) -> bool:
        for other in self.bindings:
            if other.state is not None and other.state.id == stream and other.fate is not Fate.MIRROR:
                self.bindings.append(Binding(file, Fate.MIRROR, other.state))
                return True
        return False

    def _beside(self, file: File, other: Binding[File]) -> bool:
        """Whether a file shows the stream that another one holds; the longer of the two goes on with it."""
        state, shorter = other.state, min(file.length, other.file.length)
        if not file.agrees(other.file, shorter):
            return False
        if file.length <= other.file.length:
            self.bindings.append(Binding(file, Fate.MIRROR, state))
            return True
        if state is not None and state.offset and not _verifies(file, state):
            return False
        self.bindings.remove(other)
        self.bindings.append(Binding(other.file, Fate.MIRROR, state))
        self.bindings.append(Binding(file, other.fate if state is None else Fate.ADOPTED, state))
        return True

    def _bind(self, file: File, fate: Fate, state: StreamState) -> None:
        self.unbound.remove(state)
        self.bindings.append(Binding(file, fate, state))


def _same_place(state: StreamState, file: Seen) -> bool:
    """Members of an archive share its inode: their names tell them apart."""
    return state.compression is not Compression.ZIP or state.path.rpartition("!")[2] == file.name.rpartition("!")[2]


def _verifies(file: Seen, state: StreamState) -> bool:
    return file.begins(state) and file.verifies(state)


def _same_head(file: Seen, other: Seen) -> bool:
    common = min(len(file.head), len(other.head))
    return file.head[:common] == other.head[:common]


def _may_become(file: Seen, state: StreamState) -> bool:
    """Whether a file is, as far as it goes, a copy of a stream whose own file has gone."""
    return file.length < state.offset and file.begins(state)
