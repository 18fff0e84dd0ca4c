"""What a sink is: the plug that every way out of an alert fills in, and what an attempt to deliver one gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from detector.errors import UsageError
from detector.findings.alert import Alert
from detector.outward.addresses import Refused
from detector.outward.deadline import TooLate

ATTEMPT_S = 10.0
"""One attempt to deliver takes no longer, from the first question to the resolver to the last byte of the answer."""

_DETAIL_CHARACTERS = 300


class Result(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    """It has arrived."""
    POSTPONED = "postponed"
    """It may not have arrived: worth trying again, with the same key."""
    PARKED = "parked"
    """It was refused for good: trying again would give the same answer; somebody must look."""


class Outcome(NamedTuple):
    """What an attempt gave.

    Attributes:
        result: see ``Result``.
        detail: what happened, for a person; no secret, no path or query of a URL.
        retry_after_s: seconds that the other side asked to be left alone for, 0 where it did not.
    """

    result: Result
    detail: str = ""
    retry_after_s: int = 0


class Options(BaseModel):
    """What every sink can be told; its own options stand beside these.

    Attributes:
        type: of the sink.
        name: of this one, in metrics and in ``shadowit notify test``; its type where it is not given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    name: str = ""

    def placed(self, folder: Path) -> dict[str, Path]:
        """Those of the options that are paths, relative ones in ``folder``: a configuration's files lie with it."""
        values = {key: getattr(self, key) for key in type(self).model_fields}
        return {key: folder / value for key, value in values.items() if isinstance(value, Path)}


Own = TypeVar("Own", bound=Options)
_ClassOf: TypeAlias = type[Own]


@dataclass(frozen=True, slots=True)
class Channel:
    """One configured sink, ready to be used.

    Attributes:
        name: unique among the configured ones.
        type: of the sink.
        deliver: tries once to deliver an alert; gets the present instant.
        repeat: tells all alerts that are open again, ``None`` where nobody forgets them.
        repeat_s: how often.
        is_digestible: many waiting alerts of one incident may go as one.
    """

    name: str
    type: str
    deliver: Callable[[Alert, int], Outcome]
    repeat: Callable[[Sequence[Alert], int], Outcome] | None = None
    repeat_s: int = 0
    is_digestible: bool = True


@dataclass(frozen=True, slots=True)
class Sink(Generic[Own]):
    """One way out of an alert. Found by walking ``sinks/``; nothing registers it.

    Attributes:
        type: as it is asked for in the configuration.
        options: what it can be told.
        deliver: tries once, at most ``ATTEMPT_S``; gets the alert, its options and the present instant. It may raise
            ``Refused`` (parked), ``TooLate``, ``UsageError`` and ``OSError`` (tried again).
        repeat: see ``Channel``.
        repeat_s: see ``Channel``.
        is_digestible: see ``Channel``.
    """

    type: str
    options: _ClassOf[Own]
    deliver: Callable[[Alert, Own, int], Outcome]
    repeat: Callable[[Sequence[Alert], Own, int], Outcome] | None = None
    repeat_s: int = 0
    is_digestible: bool = True

    def channel(self, options: Own) -> Channel:
        """This sink with its options."""
        deliver, repeat = self.deliver, self.repeat
        return Channel(
            name=options.name or self.type,
            type=self.type,
            deliver=lambda alert, now: _attempted(lambda: deliver(alert, options, now)),
            repeat=None if repeat is None else lambda alerts, now: _attempted(lambda: repeat(alerts, options, now)),
            repeat_s=self.repeat_s,
            is_digestible=self.is_digestible,
        )


def _attempted(attempt: Callable[[], Outcome]) -> Outcome:
    """What an attempt gave, with what can go wrong on the way told as an outcome.

    What the network does is worth another try, and so is a secret that is missing just now; an address that must not
    be called is not.
    """
    try:
        return attempt()
    except Refused as fault:
        return Outcome(Result.PARKED, shortened(str(fault)))
    except (TooLate, UsageError) as fault:
        return Outcome(Result.POSTPONED, shortened(str(fault)))
    except OSError as fault:
        return Outcome(Result.POSTPONED, shortened(fault.strerror or str(fault) or type(fault).__name__))


def shortened(text: str) -> str:
    r"""What the other side said, on one line, printable and not longer than a person reads.

    >>> shortened("a\r\nb")
    'a b'
    """
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= _DETAIL_CHARACTERS else line[: _DETAIL_CHARACTERS - 1] + "…"
