"""How the daemon speaks: alerts to sinks, metrics and pages to those who ask; never in the way of reading logs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.daemon.figures import Figures
from detector.daemon.notifier import Notifier
from detector.daemon.watching import Watch
from detector.daemon.web import Answers, Listener
from detector.errors import ShadowitError
from detector.metrics import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.daemon.health import Health
    from detector.daemon.inforce import InForce
    from detector.store import Store

WATCH_S = 10.0
"""How often sources are looked after."""
_LISTENER = "listener"
_WATCH = "watch"
_STOP_S = 12.0
"""An attempt to deliver that is under way may take so long to end."""


@dataclass(slots=True)
class Voice:
    """All that speaks, while the daemon runs.

    Attributes:
        force: what is in force.
        store: where the outbox is.
        health: shown, and told what is wrong.
        clock: gives the present, microseconds since the epoch.
        reload: takes the configuration anew; whether it was taken.
    """

    force: InForce
    store: Store
    health: Health
    clock: Callable[[], int]
    reload: Callable[[], bool]
    notifier: Notifier = field(init=False)
    listener: Listener | None = None
    _figures: Figures = field(init=False)
    _page: Page = field(default_factory=Page)
    _watch: Watch = field(init=False)
    _watch_at: float = 0.0

    def __post_init__(self) -> None:
        self.notifier = Notifier(self.store, self.clock)
        self._figures = Figures(self.store)
        self._watch = Watch(self.store, self.health)

    def start(self) -> None:
        """Begin.

        Raises:
            UsageError: the address cannot be taken, or is not protected.
            InvalidFile: the web configuration is wrong.
        """
        self.listener = self._listening(self.force)
        self._warm()
        self.notifier.use(self.force.channels)

    def use(self, force: InForce) -> None:
        """Go on with another configuration; a listener that cannot be had as it says leaves the one before."""
        before, self.force = self.force, force
        self.notifier.use(force.channels)
        try:
            self._move(before, force)
        except ShadowitError as fault:
            self.health.broken(_LISTENER, str(fault), self.clock())
        else:
            self.health.well(_LISTENER)
        self._warm()

    def tend(self) -> None:
        """Look after the sources from time to time, and see that nothing waits that could go out."""
        if time.monotonic() < self._watch_at:
            return
        self._watch_at = time.monotonic() + WATCH_S
        try:
            if self._watch.look(self.force, self.clock()):
                self.notifier.wake()
        except ShadowitError as fault:
            self.health.broken(_WATCH, str(fault), self.clock())
        else:
            self.health.well(_WATCH)

    def stop(self) -> None:
        """End; what is not delivered stays in the outbox."""
        if self.listener is not None:
            self.listener.stop()
        self.notifier.stop(_STOP_S)

    def metrics(self) -> bytes:
        """The text of the metrics now."""
        taken = self._figures.snapshot(self.force, self.health.state, self.notifier.counts(), self.clock())
        return self._page.text(taken)

    def _warm(self) -> None:
        """Make the first page with a catalogue, which takes the longest, before anybody waits for it."""
        if self.listener is not None:
            self.metrics()

    def _move(self, before: InForce, force: InForce) -> None:
        def place(one: InForce) -> tuple[object, ...]:
            return one.config.listen, one.config.web_config_file

        if self.listener is not None and place(before) == place(force):
            self.listener.refresh()
            return
        old, self.listener = self.listener, self._listening(force)
        if old is not None:
            old.stop()

    def _listening(self, force: InForce) -> Listener | None:
        if not force.config.listen:
            return None
        answers = Answers(lambda: self.health.state, self.metrics, self.reload)
        listener = Listener(force.config.listen, force.config.web_config_file, answers)
        listener.start()
        return listener
