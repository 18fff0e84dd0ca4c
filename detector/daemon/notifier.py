"""The outbox is emptied: every sink has a thread of its own, and none of them ever holds up the reading of logs.

An alert arrives at least once, alerts of one incident in their order, always under the same key. What does not arrive
is tried again after 1 s to 15 min at random (full jitter), or when the other side says so; what is refused for good is
parked, to be looked at. When many alerts of one incident wait, one digest goes out for all of them.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING

from detector.events import MICROSECONDS
from detector.findings import digest_of
from detector.outward import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from detector.findings import Alert
    from detector.outward import Channel
    from detector.store import Delivery, Store

LONGEST_DELAY_S = 900
LONG_QUEUE = 20
"""So many waiting alerts of one incident go out as one."""
_POLL_S = 1.0
_log = logging.getLogger(__name__)


# not the generator that all code of a process shares: a thread that draws from it would disturb whoever seeded it
_CHANCE = random.SystemRandom().random


def wall_clock() -> int:
    """The present instant, microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


def delay_s(tries: int, chance: float, asked_s: int = 0) -> float:
    """Seconds until the next attempt: at random below a bound that doubles, at least what the other side asked for.

    Args:
        tries: attempts that failed.
        chance: 0 to 1.
        asked_s: what the other side asked for.

    >>> delay_s(1, 1.0), delay_s(3, 0.5), delay_s(99, 1.0), delay_s(1, 0.5, asked_s=7)
    (1.0, 2.0, 900.0, 7.5)
    """
    bound = min(2.0 ** min(tries - 1, 30), LONGEST_DELAY_S)
    return min(asked_s + chance * bound, LONGEST_DELAY_S)


class Worker:
    """Empties the outbox of one sink.

    Args:
        store: where the outbox is.
        channel: the sink.
        clock: gives the present instant.
        chance: gives a number from 0 to 1.
        after: the worker that has emptied it so far: two at a time would send alerts twice.
    """

    def __init__(
        self,
        store: Store,
        channel: Channel,
        clock: Callable[[], int],
        chance: Callable[[], float],
        after: Worker | None = None,
    ) -> None:
        self._after = after
        self.channel = channel
        self.counts: Counter[str] = Counter()
        self._store = store
        self._clock = clock
        self._chance = chance
        self._failures = 0
        self._held_until = 0.0
        self._digests: dict[str, tuple[int, ...]] = {}
        self._repeated: dict[str, Alert] = {}
        self._repeat_at = 0.0
        self._wake = threading.Event()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sink {channel.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Something may be waiting."""
        self._wake.set()

    def end(self) -> None:
        """Begin nothing more."""
        self._ends.set()
        self._wake.set()

    def join(self, timeout_s: float | None) -> bool:
        """Wait until it has ended; whether it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def step(self) -> bool:
        """Try what is due; whether there may be more to do at once."""
        if time.monotonic() < self._held_until:
            return False
        has_sent = False
        for delivery in self._store.due(self._clock(), self.channel.name):
            if self._ends.is_set() or not self._send(delivery):
                return False
            has_sent = True
        self._repeat()
        return has_sent

    def _run(self) -> None:
        if self._after is not None:
            self._after.join(None)
            self._after = None
        while not self._ends.is_set():
            self._wake.clear()
            try:
                has_more = self.step()
            except Exception as fault:  # noqa: BLE001 - a thread: nothing that goes wrong in it may end it
                self._hold(0)
                _log.error("sink %s: %s: %s", self.channel.name, type(fault).__name__, _trace(fault))
                has_more = False
            if not has_more:
                self._wake.wait(_POLL_S)

    def _send(self, delivery: Delivery) -> bool:
        """Try one delivery, or a digest of all that waits behind it; whether the sink answered."""
        alert, ids = self._composed(delivery)
        outcome = self.channel.deliver(alert, self._clock())
        self.counts[outcome.result.value] += 1
        now = self._clock()
        if outcome.result is Result.POSTPONED:
            seconds = delay_s(delivery.tries + 1, self._chance(), outcome.retry_after_s)
            self._store.postponed(delivery.id, outcome.detail, now + int(seconds * MICROSECONDS))
            self._hold(outcome.retry_after_s)
            return False
        self._failures = 0
        self._digests.pop(delivery.incident, None)
        if outcome.result is Result.DELIVERED:
            self._store.delivered(ids, now)
        else:
            for one in ids:
                self._store.parked(one, outcome.detail, now)
        return True

    def _composed(self, delivery: Delivery) -> tuple[Alert, tuple[int, ...]]:
        """What is sent, and for which deliveries. A digest that did not arrive is tried again as it was."""
        if not self.channel.is_digestible:
            return delivery.alert, (delivery.id,)
        waiting = self._store.waiting(self.channel.name, delivery.incident)
        before = self._digests.get(delivery.incident, ())
        if before and before[0] == delivery.id:
            waiting = [one for one in waiting if one.id in before]
        elif len(waiting) < LONG_QUEUE:
            return delivery.alert, (delivery.id,)
        ids = tuple(one.id for one in waiting)
        self._digests[delivery.incident] = ids
        return digest_of([one.alert for one in waiting], f"{len(ids)} changes waited", self._clock()), ids

    def _repeat(self) -> None:
        """Tell a sink that forgets what is open, and once what is not open any more."""
        if self.channel.repeat is None or time.monotonic() < self._repeat_at:
            return
        now = self._clock()
        standing = {alert.key: alert for alert in self._store.standing(self.channel.name)}
        incidents = {alert.incident for alert in standing.values()}
        gone = [one for one in self._repeated.values() if one.incident not in incidents]
        over = [one.ended(now, "The incident is over.") for one in gone]
        outcome = self.channel.repeat([*standing.values(), *over], now)
        if outcome.result is Result.DELIVERED:
            self._repeated = standing
            self._repeat_at = time.monotonic() + self.channel.repeat_s
        else:
            self.counts[outcome.result.value] += 1
            self._hold(outcome.retry_after_s)

    def _hold(self, asked_s: int) -> None:
        """Leave a sink alone that does not answer: others of its alerts would fare no better."""
        self._failures += 1
        self._held_until = time.monotonic() + delay_s(self._failures, self._chance(), asked_s)


class Notifier:
    """All workers: made anew when the configuration changes, counting on.

    Args:
        store: where the outbox is.
        clock: gives the present instant.
        chance: gives a number from 0 to 1.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], int] = wall_clock,
        chance: Callable[[], float] = _CHANCE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._workers: list[Worker] = []
        self._past: Counter[tuple[str, str]] = Counter()

    @property
    def sinks(self) -> list[str]:
        """Names of the sinks that alerts are put into the outbox for."""
        return [worker.channel.name for worker in self._workers]

    def use(self, channels: Sequence[Channel]) -> None:
        """Deliver to these sinks from now on; an attempt that is under way ends by itself."""
        before = {worker.channel.name: worker for worker in self._workers}
        for worker in self._workers:
            worker.end()
        self._past = Counter(self.counts())
        self._workers = [
            Worker(self._store, channel, self._clock, self._chance, before.get(channel.name)) for channel in channels
        ]
        for worker in self._workers:
            worker.start()

    def drain(self, channels: Sequence[Channel]) -> int:
        """Try everything that is due once, here and now; how many alerts still wait for these sinks."""
        for channel in channels:
            worker = Worker(self._store, channel, self._clock, self._chance)
            while worker.step():
                continue
        names = {channel.name for channel in channels}
        return sum(one.pending for one in self._store.backlogs() if one.sink in names)

    def wake(self) -> None:
        """Alerts were put into the outbox: do not wait for the next look."""
        for worker in self._workers:
            worker.wake()

    def stop(self, timeout_s: float) -> bool:
        """End all workers; whether all have ended in time. What is not delivered stays in the outbox."""
        for worker in self._workers:
            worker.end()
        end = time.monotonic() + timeout_s
        return all(worker.join(max(end - time.monotonic(), 0)) for worker in self._workers)

    def counts(self) -> Mapping[tuple[str, str], int]:
        """(sink, result) → attempts to deliver, since this process began."""
        sums = Counter(self._past)
        for worker in self._workers:
            for result in Result:
                sums[worker.channel.name, result.value] += worker.counts[result.value]
        return sums


def _trace(fault: Exception) -> str:
    """Where it went wrong, without what: a message may hold a secret."""
    return "".join(traceback.format_tb(fault.__traceback__))
