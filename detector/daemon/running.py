"""The daemon: jobs that go over groups of sources, until it is told to end; configuration taken anew while it runs.

Ticks only wake: every pass asks what is unread, never which tick it is, so a missed one costs nothing. Intervals are
counted by the clock that nobody can set; a wall clock that was set back delays no pass.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from detector.daemon import inforce, lookback, systemd
from detector.daemon.crew import Crew
from detector.daemon.health import STORE, Health, Pulse
from detector.daemon.judging import judge_again
from detector.daemon.voice import Voice
from detector.errors import InvalidFile, ShadowitError, StoreFault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import FrameType

    from apscheduler.events import JobEvent

    from detector.daemon.inforce import InForce
    from detector.store import Store

TICK_S = 0.5
"""How often signals and the watchdog are looked after."""
OVERDUE = 3
"""A group that was not gone over for so many of its intervals is woken."""
PURGE_S = 86_400
"""How often what is too old is deleted."""
_WORKERS = 6
_PAUSE_S = 0.02


def assembled(
    force: InForce, store: Store, signature_paths: Sequence[Path], clock: Callable[[], int], said: Callable[[str], None]
) -> Daemon:
    """A daemon of what is in force, ready to serve, with an open store.

    Raises:
        StoreFault: the policy is another one than before, and what is kept cannot be judged by it.
    """
    changed = judge_again(force, store, clock())
    if changed:
        said(f"{changed} sightings got another verdict by the policy {force.policy_digest[:12]}")
    health, pulse, ending = Health(clock()), Pulse(), threading.Event()
    crew = Crew(force, store, health, clock, said, ending.is_set, pulse.beat)
    health.reloaded(clock(), force.ruleset.digest, force.policy_digest)
    return Daemon(crew, health, clock, said, force.path, signature_paths, ending, pulse)


@dataclass(slots=True)
class Daemon:
    """One daemon while it runs.

    Attributes:
        crew: who works; replaced as a whole when configuration is taken anew.
        health: how it is.
        clock: gives the present, microseconds since the epoch.
        said: told what a person should know.
        path: the configuration file.
        signature_paths: named by the command line.
        ending: set when it is to end.
        pulse: when something was last kept.
        voice: how it speaks.
    """

    crew: Crew
    health: Health
    clock: Callable[[], int]
    said: Callable[[str], None]
    path: Path
    signature_paths: Sequence[Path]
    ending: threading.Event
    pulse: Pulse
    voice: Voice = field(init=False)
    _asked_to_reload: threading.Event = field(default_factory=threading.Event)
    _woken: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _reloading: threading.Lock = field(default_factory=threading.Lock)
    _pausing: threading.Event = field(default_factory=threading.Event)
    _scheduler: BackgroundScheduler = field(init=False)
    _ended: dict[int, float] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.voice = Voice(self.crew.inforce, self.crew.store, self.health, self.clock, self.reload)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(_WORKERS)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        self._scheduler.add_listener(self._skipped, EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)
        self.crew.is_stopped = self._is_stopped

    def serve(self) -> None:
        """Run until ``SIGTERM`` or ``SIGINT``; what is being kept is kept to the end."""
        self.voice.start()
        before = [(one, signal.signal(one, self._signalled)) for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
        self._schedule()
        self._scheduler.start()
        systemd.notify(systemd.READY, systemd.status("reading"))
        try:
            while not self.ending.is_set():
                self._woken.wait(TICK_S)
                self._woken.clear()
                if self._asked_to_reload.is_set():
                    self._asked_to_reload.clear()
                    threading.Thread(target=self.reload, name="reload", daemon=True).start()
                self._look_after()
                self.voice.tend()
        finally:
            systemd.notify(systemd.STOPPING)
            self.ending.set()
            self.health.running(is_running=False)
            self._scheduler.shutdown(wait=True)
            self.voice.stop()
            for one, handler in before:
                signal.signal(one, handler)

    def stop(self) -> None:
        """End soon, and well."""
        self.ending.set()
        self._woken.set()

    def reload(self) -> bool:
        """Take configuration, signatures and policy anew: all of it, or nothing; whether it was taken."""
        with self._reloading:
            return self._reload()

    def _reload(self) -> bool:
        systemd.notify(systemd.reloading())
        try:
            force = inforce.load(self.path, self.signature_paths)
            if force.config.store != self.crew.inforce.config.store:
                raise StoreFault("store: cannot be changed while it is open: start the daemon again")
        except ShadowitError as fault:
            reasons = [str(one) for one in fault.problems] if isinstance(fault, InvalidFile) else [str(fault)]
            self.health.not_reloaded(self.clock(), "; ".join(reasons))
            for reason in reasons:
                self.said(f"configuration not taken, the one before stays in force: {reason}")
            systemd.notify(systemd.READY, systemd.status("the new configuration is bad, the old one is in force"))
            return False
        self._replace(self.crew.succeeded_by(force))
        self.voice.use(force)
        self.health.reloaded(self.clock(), force.ruleset.digest, force.policy_digest)
        self._schedule()
        self.said(f"configuration taken: {len(force.config.sources)} sources, signatures {force.ruleset.digest[:12]}")
        self._judge_again()
        systemd.notify(systemd.READY, systemd.status("reading"))
        return True

    def _judge_again(self) -> None:
        """Judge what is kept by the policy in force."""
        crew = self.crew
        try:
            changed = judge_again(crew.inforce, crew.store, self.clock())
        except StoreFault as fault:
            self.health.broken(STORE, str(fault), self.clock(), is_grave=True)
            self.said(f"verdicts stay those of the policy before: {fault}")
            return
        if changed:
            self.said(f"{changed} sightings got another verdict by the policy {crew.inforce.policy_digest[:12]}")

    def pass_over(self, interval: int) -> bool:
        """Go over one group of sources; whether all went well. The next pass does what this one missed."""
        began = time.monotonic_ns()
        is_good = self._tried(f"read-{interval}", partial(self._read, interval))
        self._ended[interval] = time.monotonic()
        if is_good or not self._is_stopped():
            self.health.passed(self.clock(), (time.monotonic_ns() - began) // 1000, is_good=is_good)
        if is_good:
            self.pulse.beat()
            if self._ended.keys() >= self.crew.groups().keys():
                self.health.running(is_running=not self.ending.is_set())
            self._go_on_looking_back()
        return is_good

    def _read(self, interval: int, crew: Crew) -> bool:
        outcome = crew.run(crew.groups().get(interval, ()))
        if outcome.alerts:
            self.voice.notifier.wake()
        return outcome.is_done

    def look_back(self) -> bool:
        """Go on looking back, until it is done or something else comes first; whether it is done."""
        is_done = self._tried("look-back", lookback.run)
        self._tell_look_back()
        return is_done

    def purge(self) -> bool:
        """Delete what is older than it may be kept; whether that went well."""
        return self._tried("purge", lambda crew: crew.purge())

    def _tried(self, name: str, work: Callable[[Crew], bool]) -> bool:
        """Do some work with who works now; what goes wrong is told, counted and tried again at its next turn."""
        with self._lock:
            crew = self.crew
            self._busy.add(name)
        try:
            is_good = work(crew)
            self.health.well(STORE)
        except StoreFault as fault:
            self.health.broken(STORE, str(fault), self.clock(), is_grave=True)
            self.said(str(fault))
            return False
        except Exception as fault:  # noqa: BLE001 - the outermost place of a job: told, counted, tried again
            self.said("".join(traceback.format_exception(fault)).rstrip())
            self.said(f"this is a bug in shadowit: {type(fault).__name__}: {fault}")
            self.health.broken(name, f"{type(fault).__name__}: {fault}", self.clock())
            return False
        finally:
            self._busy.discard(name)
        self.health.well(name)
        return is_good

    def _is_stopped(self) -> bool:
        return self.ending.is_set() or self._pausing.is_set()

    def _replace(self, crew: Crew) -> None:
        """Put another crew to work, when the one before has put down what it was at."""
        self._pausing.set()
        try:
            while True:
                with self._lock:
                    if not self._busy or self.ending.is_set():
                        self.crew = crew
                        return
                time.sleep(_PAUSE_S)
        finally:
            self._pausing.clear()

    def _go_on_looking_back(self) -> None:
        if self._tell_look_back() and not self.ending.is_set() and self._scheduler.get_job("look-back") is None:
            self._scheduler.add_job(self.look_back, id="look-back", next_run_time=datetime.now(UTC))

    def _tell_look_back(self) -> str:
        said = lookback.progress(self.crew.store.look_backs(self.crew.inforce.ruleset.digest))
        self.health.looking_back(said)
        return said

    def _schedule(self) -> None:
        """One job for each group; those that are there already keep their turn."""
        wanted = {f"read-{interval}": interval for interval in self.crew.groups()}
        for job in self._scheduler.get_jobs():
            if job.id.startswith("read-") and job.id not in wanted:
                job.remove()
        there = {job.id for job in self._scheduler.get_jobs()}
        if "purge" not in there:
            self._scheduler.add_job(self.purge, "interval", seconds=PURGE_S, id="purge")
        for name, interval in wanted.items():
            if name not in there:
                self._scheduler.add_job(
                    self.pass_over, "interval", seconds=interval, args=[interval], id=name,
                    next_run_time=datetime.now(UTC),
                )  # fmt: skip

    def _look_after(self) -> None:
        """Wake groups that a clock which was set back has put to sleep; tell the watchdog that work goes on."""
        now = time.monotonic()
        is_late = False
        for interval in self.crew.groups():
            since = now - self._ended.setdefault(interval, now)
            if f"read-{interval}" not in self._busy and since > OVERDUE * interval + TICK_S:
                is_late = True
                self._scheduler.modify_job(f"read-{interval}", next_run_time=datetime.now(UTC))
                self._ended[interval] = now
        limit = systemd.watchdog_s()
        if limit and not is_late and (not self._busy or now - self.pulse.at < limit / 2):
            systemd.notify(systemd.WATCHDOG)

    def _skipped(self, event: JobEvent) -> None:
        reason = "still running" if event.code == EVENT_JOB_MAX_INSTANCES else "missed"
        self.health.skipped(event.job_id, reason)

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._asked_to_reload.set()
        else:
            self.ending.set()
        self._woken.set()
