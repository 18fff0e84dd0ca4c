"""Events become cells under a vendor's names: what the ``example`` of a format is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import MICROSECONDS, Action, Col
from detector.events.instants import to_datetime
from detector.grammars import values
from detector.grammars.moments import at_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.events import Row, Value


def seconds(row: Row) -> str:
    """The instant of an event in seconds since the epoch, with six places; for ``example``.

    >>> seconds({Col.AT: 1582797600123000})
    '1582797600.123000'
    """
    whole, micros = divmod(at_of(row) or 0, MICROSECONDS)
    return f"{whole}.{micros:06d}"


def written_at(row: Row, pattern: str) -> str:
    """The instant of an event as ``strftime`` writes it, in UTC; for ``example``.

    >>> written_at({Col.AT: 1582797600123000}, "%Y-%m-%dT%H:%M:%SZ")
    '2020-02-27T10:00:00Z'
    """
    return to_datetime(at_of(row) or 0).strftime(pattern)


def texts(row: Row, names: Mapping[Col, str]) -> dict[str, str]:
    """The cells of an event under the vendor's names; for ``example``. An event with a host only is a tunnel to it."""
    host = str(row.get(Col.DOMAIN) or row.get(Col.SERVER_NAME) or values.host_of_url(str(row.get(Col.URL, ""))) or "")
    guesses: dict[Col, Value | None] = {
        Col.URL: f"{host}:443" if host else None,
        Col.METHOD: "CONNECT" if host and Col.URL not in row else "GET",
        Col.DOMAIN: host,
        Col.SERVER_NAME: host,
    }
    found = {name: row.get(column, guesses.get(column)) for column, name in names.items()}
    return {name: str(cell) for name, cell in found.items() if cell is not None and cell != ""}


def choice(row: Row, *, allowed: str, denied: str, challenge: str = "") -> str:
    """The vendor's word for what the device did; for ``example``."""
    return {Action.DENIED.value: denied, Action.CHALLENGE.value: challenge or denied}.get(
        str(row.get(Col.ACTION, "")), allowed
    )
