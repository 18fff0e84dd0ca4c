"""Connections of the web listener, bounded: silent and slow clients cost little and keep nobody waiting.

One request for each connection; its header must be there within 5 s, all of it be over within 30 s. Of more than 256
at a time one is cut off: one that has not read for a while what it asked for, else one that asked for nothing, else the
oldest. An honest request is read as fast as it is answered, and takes milliseconds; a slow one holds 64 KiB.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.server import ServerState

HEADER_S = 5.0
LIFE_S = 30.0
LIMIT = 256
SLOW_S = 1.0


class Connections:
    """All that are open, in the order in which they came."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Transport, Bounded] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, transport: asyncio.Transport, connection: Bounded) -> None:
        """One more; another one goes where there are too many."""
        while len(self._open) >= LIMIT:
            least = min(self._open, key=self._worth)
            del self._open[least]
            least.abort()
        self._open[transport] = connection

    def _worth(self, transport: asyncio.Transport) -> int:
        """The least goes first; of several the oldest."""
        connection = self._open[transport]
        if connection.is_silent:
            return 1
        is_slow = connection.age_s > SLOW_S and transport.get_write_buffer_size() > 0
        return 0 if is_slow else 2

    def remove(self, transport: asyncio.Transport) -> None:
        """One is over."""
        self._open.pop(transport, None)

    def abort(self) -> None:
        """Cut off all."""
        for transport in list(self._open):
            transport.abort()
        self._open.clear()


class Bounded(H11Protocol):
    """One connection with deadlines."""

    def __init__(self, config: Config, state: ServerState, connections: Connections) -> None:
        super().__init__(config, state, {})
        self._others = connections
        self._timers: list[asyncio.TimerHandle] = []
        self._begun = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the library has it
        """Begin, with deadlines."""
        super().connection_made(transport)
        self._others.add(transport, self)
        self._timers = [self.loop.call_later(HEADER_S, self._end_silent), self.loop.call_later(LIFE_S, transport.abort)]

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._others.remove(self.transport)
        for timer in self._timers:
            timer.cancel()
        super().connection_lost(exc)

    @property
    def is_silent(self) -> bool:
        """Whether nothing was asked yet."""
        return getattr(self, "cycle", None) is None

    @property
    def age_s(self) -> float:
        """Seconds since it was opened."""
        return self.loop.time() - self._begun

    def _end_silent(self) -> None:
        if self.is_silent:
            self.transport.abort()
