"""Connections of the web listener, bounded: silent and slow clients cost little and keep nobody waiting.

One request for each connection; its header must be there within 5 s, all of it be over within 30 s. Of more than 64 at
a time the oldest is cut off: an honest request takes milliseconds, so the oldest is not one.
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
LIMIT = 64


class Connections:
    """All that are open, in the order in which they came."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Transport, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, transport: asyncio.Transport) -> None:
        """One more; the oldest goes where there are too many."""
        while len(self._open) >= LIMIT:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.abort()
        self._open[transport] = None

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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the library has it
        """Begin, with deadlines."""
        super().connection_made(transport)
        self._others.add(transport)
        self._timers = [self.loop.call_later(HEADER_S, self._end_silent), self.loop.call_later(LIFE_S, transport.abort)]

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._others.remove(self.transport)
        for timer in self._timers:
            timer.cancel()
        super().connection_lost(exc)

    def _end_silent(self) -> None:
        if getattr(self, "cycle", None) is None:
            self.transport.abort()
