"""What is asked: did anybody sign up for a service or use it, in a stretch of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.events import Kind, Stage

if TYPE_CHECKING:
    from detector.coverage import Window
    from detector.signatures import Signature


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        service: the service's id.
        window: the time that is asked about.
        needed: kinds of log that have to cover the window before "not observed" is said without a "but".
        stage: the lowest stage that counts as found; what lies below is told as traces.
        required: share (0 to 1) of the window that each needed kind has to cover.
        is_open: nobody asked for a window: it is the time of the logs themselves, so that none can begin late.
    """

    service: str
    window: Window
    needed: frozenset[Kind]
    stage: Stage = Stage.SIGNED_UP
    required: float = 0.95
    is_open: bool = False

    @property
    def proving(self) -> frozenset[Kind]:
        """Kinds of log that can prove the stage by themselves: a look-up alone proves no more than a look-up."""
        return frozenset({Kind.PROXY, Kind.MAIL} | ({Kind.DNS} if self.stage is Stage.RESOLVED else set()))


def kinds_of(signature: Signature) -> frozenset[Kind]:
    """Kinds of log in which a service can show: by its hosts, and by its mail."""
    hosts = {Kind.PROXY, Kind.DNS} if signature.indicators else set[Kind]()
    return frozenset(hosts | ({Kind.MAIL} if signature.mail.domains else set()))
