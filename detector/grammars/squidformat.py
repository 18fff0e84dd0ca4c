"""Lines of a squid that has a ``logformat`` string of its own: which code fills which column.

``%>st`` is what the client sent, ``%<st`` the reply, and ``%st`` both together. The string itself is read by
``logformat``.
"""

from __future__ import annotations

from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from detector.errors import RefusedLine
from detector.events import Col, stamps
from detector.grammars import cacheresult, logformat, strftime, values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detector.events import Dialect, Row, Value

    Cell: TypeAlias = Callable[[Sequence[str], Dialect], Value | None]
    Read: TypeAlias = Callable[[str | None], Value | None]


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line of the ``logformat`` string among the dialect's options to one event."""
    if not line or line.isspace() or line.startswith("#"):
        return None
    layout, plain, cells = _plan(dialect.options["logformat"])
    found = layout.values(line)
    row: Row = {}
    for name, read, at in plain:
        value = read(found[at])
        if value is not None and value != "":
            row[name] = value
    for name, cell in cells:
        value = cell(found, dialect)
        if value is not None and value != "":
            row[name] = value
    if not row:
        raise RefusedLine("no field of the site's logformat holds anything")
    return row


@lru_cache(maxsize=32)
def _plan(string: str) -> tuple[logformat.Layout, list[tuple[Col, Read, int]], list[tuple[Col, Cell]]]:
    """The layout of a format string, the columns that are one field each, and how the others are read."""
    layout = logformat.layout(string)
    readers: dict[Col, tuple[Read, tuple[str, ...]]] = {
        Col.SOURCE_IP: (values.address, (">a", "{x-forwarded-for}>h")),
        Col.SOURCE_MAC: (values.text, (">eui",)),
        Col.METHOD: (values.text, ("rm", ">rm", "<rm")),
        Col.SERVER_NAME: (values.host, ("ssl::>sni",)),
        Col.STATUS: (values.status, (">Hs", "Hs", "<Hs")),
        Col.BYTES_SENT: (values.size, (">st",)),
        Col.BYTES_RECEIVED: (values.size, ("<st",)),
        Col.USER_AGENT: (values.text, ("{user-agent}>h", "{user-agent}>ha")),
    }
    plain = [(name, read, at) for name, (read, codes) in readers.items() if (at := layout.first(*codes)) is not None]
    cells: list[tuple[Col, Cell]] = [(Col.AT, _time(layout)), (Col.USER, _who(layout)), (Col.ACTION, _done(layout))]
    url = _url(layout)
    return layout, plain, [*cells, (Col.URL, url), (Col.DOMAIN, _domain(layout, url))]


def _time(layout: logformat.Layout) -> Cell:
    """``ts`` with ``tu``, or ``tl`` (local) or ``tg`` (GMT) with squid's or the site's own pattern."""
    seconds, millis = layout.first("ts"), layout.first("tu")
    stamp, name = next(((n, f.name) for n, f in enumerate(layout.fields) if f.name.endswith(("tl", "tg"))), (None, ""))
    pattern, usual = name[1:].rpartition("}")[0], not name.startswith("{")

    def cell(found: Sequence[str], dialect: Dialect) -> int | None:
        fraction = "000" if millis is None else found[millis].zfill(3)
        try:
            if seconds is not None:
                return stamps.epoch(f"{found[seconds]}.{fraction}")
            if stamp is None:
                return None
            zone = UTC if name.endswith("tg") else dialect.zone
            read = stamps.clf(found[stamp], zone) if usual else strftime.instant(found[stamp], pattern, zone)
            return read + (values.size(fraction) or 0) * 1000
        except RefusedLine:
            return None

    return cell


def _who(layout: logformat.Layout) -> Cell:
    """The surest name first: any login, the proxy's, an external helper's, a certificate's, the client's own claim."""
    places = [at for code in ("un", "ul", "ue", "us", "ui") if (at := layout.first(code)) is not None]
    return lambda found, _: next((who for at in places if (who := values.user(found[at])) is not None), None)


def _done(layout: logformat.Layout) -> Cell:
    result, status = layout.first("Ss"), layout.first(">Hs", "Hs", "<Hs")
    return lambda found, _: cacheresult.action_of(
        "" if result is None else found[result], "" if status is None else found[status]
    )


def _url(layout: logformat.Layout) -> Cell:
    whole = layout.first("ru", ">ru", "<ru")
    scheme, name, path = layout.first("rs", ">rs"), layout.first("rd", ">rd"), layout.first("rp", ">rp")

    def cell(found: Sequence[str], _: Dialect) -> str | None:
        if whole is not None:
            return values.text(found[whole])
        if scheme is None or name is None or path is None or found[name] in ("", "-"):
            return None
        return f"{found[scheme]}://{found[name]}{found[path]}"

    return cell


def _domain(layout: logformat.Layout, url: Cell) -> Cell:
    """The host of the URL; where it is a bare address, the name that the client asked the server for."""
    places = [at for code in ("ssl::>sni", "{host}>h", "rd", ">rd") if (at := layout.first(code)) is not None]

    def cell(found: Sequence[str], dialect: Dialect) -> str | None:
        address = url(found, dialect)
        host = values.host_of_url(address) if isinstance(address, str) else None
        if host is not None and values.address(host) is None:
            return host
        return next((name for at in places if (name := values.host(found[at])) is not None), host)

    return cell
