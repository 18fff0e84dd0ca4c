"""What a store has kept of what was read, made ready to be judged like logs that are read now."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from detector.audit.canary import proves
from detector.coverage import Kept
from detector.scan import Scanner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.config import Config
    from detector.coverage import Unread
    from detector.formats import Formats
    from detector.signatures import Ruleset
    from detector.store import Reader


def kept_of(store: Reader, config: Config, formats: Formats, ruleset: Ruleset) -> Kept:
    """What a store has kept of the sources of a configuration.

    Args:
        store: open to read.
        config: which says what should have been read.
        formats: by name.
        ruleset: whose signatures the synthetic lines are about.
    """
    samples = store.samples()
    named = {one.name: formats.named(one.format) for one in config.sources if one.format}
    known = {name: formats[name] for name in sorted({one.dataset for one in samples}) if name in formats}
    known |= {one.name: one for one in named.values()}
    scanner = Scanner(ruleset)
    return Kept(
        hours=store.hours(),
        gaps=[_placed(gap, [one.path for one in store.streams(gap.source) if one.offset]) for gap in store.gaps()],
        samples=samples,
        declared={
            one.name: (named[one.name].kind if one.name in named else None, one.max_silence_s) for one in config.sources
        },
        kinds={name: one.kind for name, one in known.items()},
        sighted={name: proves(scanner, one, ruleset) for name, one in known.items()},
    )


def _placed(gap: Unread, read: Iterable[str]) -> Unread:
    """A gap, since nobody knows when where nothing of its log was ever read.

    The daemon notes when it found a log unreadable; from when what lies in it is, only its lines could say.
    """
    if gap.until is not None or any(_is_of(path, gap.path) for path in read):
        return gap
    return gap._replace(since=None)


def _is_of(path: str, pattern: str) -> bool:
    """Whether a log is that of a name, or one that a pattern or a folder stands for."""
    return path == pattern or fnmatchcase(path, pattern) or path.startswith(f"{pattern.rstrip('/')}/")
