"""How the daemon is: what is wrong now and what was counted; written by its jobs, shown by its web listener."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

RELOAD = "configuration"
"""Name of the fault of a configuration that was not taken."""
STORE = "store"
"""Name of the fault of a store that cannot be written."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong now.

    Attributes:
        reason: for a person.
        since: microseconds since the epoch, UTC.
        is_grave: nothing can be relied on while it lasts: the daemon is not ready.
    """

    reason: str
    since: int
    is_grave: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The daemon at one moment; instants are microseconds since the epoch (UTC), 0 for never.

    Attributes:
        started: when it began.
        is_running: every source was gone over once since it began, and it is not ending.
        faults: what is wrong, by name: ``store``, ``configuration``, ``source:…``, ``rooms:…``, ``silence:…``, others.
        reloaded: when configuration, signatures and policy were last taken anew.
        is_reload_good: whether the last attempt to do so was taken.
        ruleset: digest of the signatures in force.
        policy: digest of the policy in force, empty for none.
        succeeded: when a pass last ended well.
        duration_us: how long the last pass took.
        failures: passes that did not end well.
        skipped: (job, reason) → runs that were skipped.
        canaries: source → when its line or planted look-up last came through.
        look_back: how far looking back over archives with changed signatures is, empty while there is none.
    """

    started: int
    is_running: bool = False
    faults: Mapping[str, Fault] = field(default_factory=dict)
    reloaded: int = 0
    is_reload_good: bool = True
    ruleset: str = ""
    policy: str = ""
    succeeded: int = 0
    duration_us: int = 0
    failures: int = 0
    skipped: Mapping[tuple[str, str], int] = field(default_factory=dict)
    canaries: Mapping[str, int] = field(default_factory=dict)
    look_back: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether what it says can be relied on."""
        return self.is_running and not any(fault.is_grave for fault in self.faults.values())


class Health:
    """The state, for many threads."""

    def __init__(self, started: int) -> None:
        self._lock = threading.Lock()
        self._state = State(started)

    @property
    def state(self) -> State:
        """The present state; it does not change under the reader."""
        return self._state

    def running(self, *, is_running: bool) -> None:
        """It is, or is no longer, at work."""
        with self._lock:
            self._state = replace(self._state, is_running=is_running)

    def broken(self, name: str, reason: str, now: int, *, is_grave: bool = False) -> None:
        """Something is wrong; how long it has been stays known."""
        with self._lock:
            before = self._state.faults.get(name)
            fault = Fault(reason, before.since if before else now, is_grave)
            self._state = replace(self._state, faults={**self._state.faults, name: fault})

    def well(self, name: str) -> None:
        """Something is not wrong any more."""
        with self._lock:
            faults = {key: fault for key, fault in self._state.faults.items() if key != name}
            self._state = replace(self._state, faults=faults)

    def passed(self, now: int, duration_us: int, *, is_good: bool) -> None:
        """A pass has ended."""
        with self._lock:
            state = replace(self._state, duration_us=duration_us)
            if is_good:
                self._state = replace(state, succeeded=now)
            else:
                self._state = replace(state, failures=state.failures + 1)

    def reloaded(self, now: int, ruleset: str, policy: str) -> None:
        """Configuration, signatures and policy are in force."""
        self.well(RELOAD)
        with self._lock:
            self._state = replace(self._state, reloaded=now, is_reload_good=True, ruleset=ruleset, policy=policy)

    def not_reloaded(self, now: int, reason: str) -> None:
        """A new configuration is bad: the old one stays in force."""
        self.broken(RELOAD, reason, now)
        with self._lock:
            self._state = replace(self._state, is_reload_good=False)

    def skipped(self, job: str, reason: str) -> None:
        """A run of a job was skipped."""
        with self._lock:
            counts = dict(self._state.skipped)
            counts[job, reason] = counts.get((job, reason), 0) + 1
            self._state = replace(self._state, skipped=counts)

    def canary(self, source: str, now: int) -> None:
        """A source's canary came through; an older one says nothing new."""
        with self._lock:
            newest = max(now, self._state.canaries.get(source, 0))
            self._state = replace(self._state, canaries={**self._state.canaries, source: newest})

    def looking_back(self, progress: str) -> None:
        """How far a look-back has come, empty for the end."""
        with self._lock:
            self._state = replace(self._state, look_back=progress)


@dataclass(slots=True)
class Pulse:
    """Signs of life: a transaction was kept, or it was seen that nothing is unread.

    Attributes:
        at: of the last one, by the clock that nobody can set.
    """

    at: float = 0.0

    def beat(self) -> None:
        """One more."""
        self.at = time.monotonic()
