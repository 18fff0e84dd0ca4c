"""What a format of another program is: the plugs that every way out and in fills in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detector.exchange.drafts import Draft, Refusal
from detector.exchange.selection import Selection


@dataclass(frozen=True, slots=True)
class Export:
    """One format that signatures are written in. Found by walking ``exports/``; nothing registers it.

    Attributes:
        name: as it is asked for with ``--to``.
        render: a selection as text; the same selection gives the same text.
    """

    name: str
    render: Callable[[Selection], str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file of another program holds.

    Attributes:
        drafts: services with the values that could be read.
        refusals: values that could not.
    """

    drafts: tuple[Draft, ...]
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """One format that signatures are read from. Found by walking ``imports/``; nothing registers it.

    Attributes:
        name: as it is asked for with ``--from``.
        read: a file's text and its name become drafts; raises ``UsageError`` when it is not of the format.
    """

    name: str
    read: Callable[[str, str], Reading]
