"""How figures, times and stages are said to people; the same words in every way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.events import MICROSECONDS, Stage, to_iso

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN = "unknown"
"""Said of a time that no line gives."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


class StageWords(NamedTuple):
    """A stage as a reader outside of IT understands it.

    Attributes:
        proves: what one line with this stage shows.
        not_proven: what it leaves open.
    """

    proves: str
    not_proven: str


STAGES: Mapping[str, StageWords] = {
    Stage.RESOLVED: StageWords(
        "The service's name was looked up or asked for.",
        "Nothing more: mail scanners, link previews and browsers look names up without any person.",
    ),
    Stage.VISITED: StageWords(
        "A device opened the service's site.",
        "Whether a person read it, had an account or worked with it.",
    ),
    Stage.SIGNED_UP: StageWords(
        "An account was asked for or confirmed.",
        "Whether the account was ever put to work.",
    ),
    Stage.SIGNED_IN: StageWords(
        "Somebody logged in to an account.",
        "What was done after the login.",
    ),
    Stage.USED: StageWords(
        "The service's product was worked with, for example a search was run.",
        "What was searched for and what came back.",
    ),
    Stage.UPLOADED: StageWords(
        "Data was sent to the service's product.",
        "What the data was: logs hold sizes and names, not content.",
    ),
    Stage.SOLICITED: StageWords("Advertising mail from the service arrived.", "Any act of the receiver."),
    Stage.INVITED: StageWords("An invitation to the service arrived.", "Whether it was accepted."),
    Stage.GUEST_VIEWED: StageWords("Something that another user shared was opened.", "An account of one's own."),
    Stage.CONTACTED: StageWords("Somebody wrote to the service, or it answered.", "What was agreed."),
    Stage.PAID: StageWords("An invoice or a receipt of the service arrived.", "Who paid, and from which budget."),
    Stage.CLOSED: StageWords("The service confirmed that an account was closed.", "That the data was deleted."),
}
"""Every stage in order: the ladder from lowest to highest, then what stands beside it."""

ORDER: Mapping[str, int] = {stage: place for place, stage in enumerate(STAGES)}
"""The place of each stage in that order."""


def rung(stage: str) -> int:
    """Height on the ladder, 1 to 6; 0 for what stands beside it.

    >>> rung("uploaded"), rung("invited")
    (6, 0)
    """
    return Stage(stage).rung if stage in ORDER else 0


def counted(number: int, noun: str, nouns: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "file"), counted(1200, "file"), counted(2, "person", "people")
    ('1 file', '1,200 files', '2 people')
    """
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def size(size_bytes: int) -> str:
    """A size for people, in binary units.

    >>> size(0), size(1536), size(125_000_000)
    ('0 B', '1.5 KiB', '119 MiB')
    """
    value, units = float(size_bytes), ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    place = 0
    while value >= 999.5 and place < len(units) - 1:
        value, place = value / 1024, place + 1
    return f"{value:,.0f} {units[place]}" if place == 0 or value >= 9.95 else f"{value:.1f} {units[place]}"


def share(part: float) -> str:
    """A share in percent; what is not nothing never looks like nothing, what is not all never like all.

    >>> share(0.0), share(0.00001), share(0.0314), share(0.99999)
    ('0 %', '< 0.01 %', '3.14 %', '> 99.99 %')
    """
    if 0 < part < 0.0001:
        return "< 0.01 %"
    if 0.9999 < part < 1:
        return "> 99.99 %"
    return f"{part * 100:.2f}".rstrip("0").rstrip(".") + " %"


def moment(instant: int | None) -> str:
    """A time to the second, UTC.

    >>> moment(1_582_761_600_000_000), moment(None)
    ('2020-02-27 00:00:00', 'unknown')
    """
    return UNKNOWN if instant is None else to_iso(instant)[:19].replace("T", " ")


def day(instant: int | None) -> str:
    """A calendar day, UTC.

    >>> day(1_582_761_600_000_000)
    '2020-02-27'
    """
    return UNKNOWN if instant is None else to_iso(instant)[:10]


def duration(length: int) -> str:
    """A stretch of microseconds in its two largest units.

    >>> duration(187_200_000_000), duration(59_000_000), duration(93_600_000_000 * 10)
    ('2 d 4 h', '59 s', '10 d 20 h')
    """
    seconds = length // MICROSECONDS
    if seconds >= _DAY:
        large, small = divmod(seconds, _DAY)[0], seconds % _DAY // _HOUR
        return f"{large:,} d {small} h" if small else f"{large:,} d"
    if seconds >= _HOUR:
        large, small = seconds // _HOUR, seconds % _HOUR // _MINUTE
        return f"{large} h {small} min" if small else f"{large} h"
    return f"{seconds // _MINUTE} min" if seconds >= _MINUTE else f"{seconds} s"
