"""Ruleset × LogFormat → the lines that may hold a sighting, found in raw bytes without parsing.

May over-report, must never under-report: what the match would find in a line, one of these literals stands in. Names
are looked for as the format spells them; what could hide a name (percent-encoding in an authority, full-width letters,
ideographic dots, NUL bytes, a format's own escapes) makes a line a candidate whatever it holds.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import hyperscan

from detector.events import Col, Kind
from detector.signatures import IndicatorKind, cache
from detector.signatures.applications import FOLDED, phrases_of, unusual_blanks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from detector.events import LogFormat
    from detector.signatures import Indicator, Ruleset

CACHED_LITERALS = 300
"""From this many literals on the compiled database is kept in the private cache."""

_HOST_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_TOKEN_BREAKS = frozenset(b"/?#&= \t,;\"'<>|\\\n")
_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
_LOOK_ALIKES = "".join(chr(ord(letter) + 0xFEE0) for letter in _NAME_LETTERS) + "\u3002\uff61"
"""Full-width forms and ideographic dots, which stand for ASCII in a host name. Each is looked for by itself: their
common first two bytes would be shorter, but a literal of two bytes costs a third of the speed of all of them."""
_AUTHORITY_BYTES = 512
_LAST_OF_PLANE = 0xFFFF

_BRACE = ord("{")

NAME, ALWAYS, AUTHORITY, HEADER = range(4)


class Literal(NamedTuple):
    """One run of bytes to look for.

    Attributes:
        value: the bytes, compared caselessly.
        rule: ``NAME`` must stand on label boundaries, ``AUTHORITY`` inside a URL's authority, ``HEADER`` in a
            line that is no JSON object (an object has a header's names as its keys), ``ALWAYS`` anywhere.
    """

    value: bytes
    rule: int


def prefilter_of(ruleset: Ruleset, log_format: LogFormat) -> LiteralScanner:
    """The literals of a ruleset in a format's spelling, compiled."""
    return LiteralScanner(tuple(dict.fromkeys(_literals(ruleset, log_format))))


def scanner_of(words: Iterable[bytes], anywhere: Iterable[bytes]) -> LiteralScanner:
    """Some words (transaction ids) that must not be part of a longer word, and literals that count anywhere."""
    return LiteralScanner([*(Literal(word, NAME) for word in words), *(Literal(value, ALWAYS) for value in anywhere)])


class LiteralScanner:
    """Runs of bytes, looked for at once.

    Ten times as many names cost a quarter more (``tests/bench/catalogue.py``): most end alike, so that the library
    looks twice at every ``.com``. Tried, and no better: names without their ending, short names with every byte that
    may stand in front of them, short and long names apart.
    """

    def __init__(self, literals: Sequence[Literal]) -> None:
        self._lengths = [len(literal.value) for literal in literals]
        self._rules = [literal.rule for literal in literals]
        self._guarded = [_guards(literal.value) for literal in literals]
        self._database = _database([literal.value for literal in literals]) if literals else None
        self._scratch = hyperscan.Scratch(self._database) if self._database else None

    def candidates(self, buffer: bytearray, size: int) -> list[tuple[int, int]]:
        """The candidate lines among the first ``size`` bytes: (start, end) without newline, ascending, each once."""
        found: list[tuple[int, int]] = []
        if self._database is None:
            return found
        line_end = -1
        lengths, rules, guarded = self._lengths, self._rules, self._guarded

        def note(index: int, _start: int, end: int, _flags: int, _context: object) -> None:
            nonlocal line_end
            position = end - lengths[index]
            if position < line_end:
                return
            rule = rules[index]
            if rule == NAME:
                if end < size and buffer[end] in _HOST_BYTES and guarded[index] & 2:
                    return
                if (
                    position
                    and buffer[position - 1] in _HOST_BYTES
                    and guarded[index] & 1
                    and not _escaped(buffer, position)
                ):
                    return
            elif rule == AUTHORITY and not _in_authority(buffer, position):
                return
            start = buffer.rfind(b"\n", 0, position) + 1
            if rule == HEADER and buffer[start] == _BRACE:
                return
            line_end = buffer.find(b"\n", end, size)
            if line_end < 0:
                line_end = size
            found.append((start, line_end))

        with memoryview(buffer) as view:
            self._database.scan(view[:size], match_event_handler=note, scratch=self._scratch)  # type: ignore[type-var] # any buffer
        return found if buffer.find(b"\0", 0, size) < 0 else _with_nul_lines(found, buffer, size)


def _literals(ruleset: Ruleset, log_format: LogFormat) -> Iterator[Literal]:
    for name in sorted(_names(ruleset, log_format)):
        yield Literal(log_format.spell(name), NAME)
        if "xn--" in name:
            yield Literal(log_format.spell(name.encode().decode("idna")), NAME)
    for suffix in sorted(ruleset.translators):
        yield Literal(log_format.spell(suffix), NAME)
    foreign = [*_LOOK_ALIKES, *sorted(_international(ruleset))]
    if not log_format.columns.isdisjoint((Col.APPLICATION, Col.CLIENT_ID)):
        phrases = phrases_of(ruleset)
        for phrase in sorted(phrases):
            yield Literal(phrase.encode(), NAME)
        for blank in unusual_blanks(phrases):
            yield Literal(blank.encode(), ALWAYS)
        foreign += FOLDED
    for letter in foreign:
        yield Literal(letter.encode(), ALWAYS)
    for value in log_format.head_literals:
        yield Literal(value, HEADER)
    for value in log_format.encoded:
        for spelling in _escapes(value, foreign):
            yield Literal(spelling, ALWAYS)
    if _watches_hosts(log_format):
        for letter in (*_NAME_LETTERS, *foreign):
            yield Literal(_percent_encoded(letter.encode()), AUTHORITY)


def _escapes(value: bytes, foreign: Iterable[str]) -> Iterator[bytes]:
    r"""What an escape must be followed by to hide a letter of a name: ``\u0063``, ``\x2e``; others as they are."""
    if value == b"\\u":
        yield from (b"\\u%04x" % ord(letter) for letter in (*_NAME_LETTERS, *foreign) if ord(letter) <= _LAST_OF_PLANE)
    elif value == b"\\x":
        for letter in (*_NAME_LETTERS, *foreign):
            yield b"".join(b"\\x%02x" % byte for byte in letter.encode())
    else:
        yield value


def _international(ruleset: Ruleset) -> set[str]:
    """The letters beyond ASCII of all names."""
    names = "".join(one.host.encode().decode("idna") for one in ruleset.indicators() if "xn--" in one.host)
    return {letter for letter in names if not letter.isascii()}


def _percent_encoded(value: bytes) -> bytes:
    return b"".join(b"%%%02x" % byte for byte in value)


def _watches_hosts(log_format: LogFormat) -> bool:
    """Whether its events can be requests or questions; a log of mails may tell of clicks in them too."""
    return log_format.kind is not Kind.MAIL or Col.DOMAIN in log_format.columns


def _names(ruleset: Ruleset, log_format: LogFormat) -> set[str]:
    """Host names of which every line with a sighting holds one."""
    names: set[str] = set()
    if _watches_hosts(log_format):
        names.update(_fixed_part(indicator, ruleset.shared_hosts) for indicator in ruleset.indicators())
    if log_format.kind is Kind.MAIL or not log_format.columns.isdisjoint((Col.SENDER, Col.FROM, Col.TO)):
        for signature in ruleset.signatures:
            names.update(signature.mail.domains)
            if signature.mail.names:
                names.update(ruleset.mail_platforms)
    return names


def _fixed_part(indicator: Indicator, shared_hosts: frozenset[str]) -> str:
    """The host, or the run of whole labels without ``*`` that is rarest in logs: not a suffix that everybody shares."""
    if "*" not in indicator.host or indicator.kind is IndicatorKind.SUFFIX:
        return indicator.host
    runs: list[list[str]] = [[]]
    for label in indicator.host.split("."):
        if "*" in label:
            runs.append([])
        else:
            runs[-1].append(label)
    fixed = [".".join(run) for run in runs if run]
    rare = [run for run in fixed if run not in shared_hosts and len(run) >= 5]
    return max(rare or fixed, key=len)


def _guards(value: bytes) -> int:
    """Whether a literal's first (1) and last (2) byte could go on as a longer name."""
    return (value[0] in _HOST_BYTES) * 1 + (value[-1] in _HOST_BYTES) * 2


def _escaped(buffer: bytearray, position: int) -> bool:
    r"""Whether the host byte in front of a name is the end of an escape: ``%2F``, ``\t``, ``\x22``, ``\u0022``."""
    before = bytes(buffer[max(position - 6, 0) : position])
    return before[-2:-1] == b"\\" or before[-3:-2] == b"%" or before[-4:-2] == b"\\x" or before[-6:-4] == b"\\u"


def _in_authority(buffer: bytearray, position: int) -> bool:
    """Whether a byte lies in a URL's authority, or in a word that may be a bare host: looks back to the last break."""
    floor = max(position - _AUTHORITY_BYTES, 0)
    for at in range(position - 1, floor - 1, -1):
        byte = buffer[at]
        if byte in _TOKEN_BREAKS:
            if byte == 0x2F:
                return at > 0 and buffer[at - 1] in b"/\\"
            return byte not in b"?#&="
    return True


def _with_nul_lines(found: list[tuple[int, int]], buffer: bytearray, size: int) -> list[tuple[int, int]]:
    """Add every line that holds NUL bytes: they are dropped before parsing and may stand inside a name."""
    lines = dict.fromkeys(found)
    at = buffer.find(b"\0", 0, size)
    while at >= 0:
        start = buffer.rfind(b"\n", 0, at) + 1
        end = buffer.find(b"\n", at, size)
        end = size if end < 0 else end
        lines[(start, end)] = None
        at = buffer.find(b"\0", end, size)
    return sorted(lines)


def _database(values: Sequence[bytes]) -> hyperscan.Database:
    """Compile, or take the private cache's copy (a compiled database is trusted like code)."""
    name = f"prefilter-{_digest(values)}.db"
    if len(values) >= CACHED_LITERALS and (kept := cache.get(name)) is not None:
        try:
            return hyperscan.loadb(kept, mode=hyperscan.HS_MODE_BLOCK)
        except hyperscan.error:
            pass  # made by another build of the library: compile again
    database = hyperscan.Database()
    database.compile(
        expressions=list(values),
        ids=list(range(len(values))),
        flags=[hyperscan.HS_FLAG_CASELESS] * len(values),
        literal=True,
    )
    if len(values) >= CACHED_LITERALS:
        cache.put(name, hyperscan.dumpb(database))
    return database


def _digest(values: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for value in values:
        digest.update(len(value).to_bytes(4, "big") + value)
    return digest.hexdigest()[:40]
