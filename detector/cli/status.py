"""``shadowit status``: per source, what was read and what was not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.examples import examples
from detector.cli.kept import config_of, dumped, reader_of, table, with_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.config import Config
    from detector.store import Progress, Reader

_HOUR_US = 3_600_000_000


@click.command(epilog=examples("shadowit status -c /etc/shadowit/shadowit.yml -f json"))
@with_config
@click.option(
    "-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table", help="Output [table]."
)
def command(config_path: Path, output_format: str) -> int:
    """Show for each source what was read, parsed and not, how far behind it is, since when it is covered, its gaps."""
    config = config_of(config_path)
    with reader_of(config) as store:
        status = status_of(config, store)
    if output_format == "json":
        dumped(status)
    else:
        _print(status)
    return 0


def status_of(config: Config, store: Reader) -> dict[str, list[dict[str, object]] | dict[str, object]]:
    """What the store says of the sources of a configuration, of its ways out and of itself, as JSON data."""
    progress = {one.source: one for one in store.progress()}
    since: dict[str, int] = {}
    for hour in store.hours():
        since[hour.source] = min(since.get(hour.source, hour.hour), hour.hour)
    names = dict.fromkeys([*(source.name for source in config.sources), *progress])
    gaps = store.gaps()
    return {
        "store": {
            "place": store.session.place.name,
            **{name: store.fact(name) for name in ("policy", "ruleset", "replaced")},
            "purged": _iso(int(store.fact("purged") or 0) or None),
        },
        "sources": [
            _source(name, progress.get(name), since, sum(one.source == name for one in gaps)) for name in names
        ],
        "gaps": [
            {"source": one.source, "path": one.path, "since": _iso(one.since), "until": _iso(one.until),
             "reason": one.reason}
            for one in gaps
        ],
        "outbox": [
            {"sink": one.sink, "pending": one.pending, "parked": one.parked, "sent": one.sent,
             "oldest": _iso(one.oldest)}
            for one in store.backlogs()
        ],
        "incidents": [
            {"id": one.id, "state": one.state.value, "severity": one.severity, "opened": _iso(one.opened)}
            for one in store.incidents() if one.state.value != "closed"
        ],
    }  # fmt: skip


def _source(name: str, progress: Progress | None, since: Mapping[str, int], gaps: int) -> dict[str, object]:
    counted = dict.fromkeys(("parsed", "filtered", "unparsed", "oversize", "bytes", "lag_bytes"), 0)
    if progress is not None:
        counted = {key: getattr(progress, key) for key in counted}
    return {
        "source": name,
        "lines": sum(counted[key] for key in ("parsed", "filtered", "unparsed", "oversize")),
        **counted,
        "covered_since": _iso(since[name] * _HOUR_US if name in since else None),
        "newest_event": _iso(progress.newest if progress else None),
        "last_success": _iso(progress.succeeded if progress else None),
        "gaps": gaps,
    }


def _print(status: Mapping[str, list[dict[str, object]] | dict[str, object]]) -> None:
    from detector.report.text import visible

    sources, gaps, outbox, incidents = (_rows(status[name]) for name in ("sources", "gaps", "outbox", "incidents"))
    heads = (
        "SOURCE",
        "LINES",
        "PARSED",
        "UNPARSED",
        "READ",
        "LAG",
        "COVERED SINCE",
        "NEWEST EVENT",
        "LAST SUCCESS",
        "GAPS",
    )
    keys = ("source", "lines", "parsed", "unparsed", "bytes", "lag_bytes", "covered_since", "newest_event",
            "last_success", "gaps")  # fmt: skip
    table(heads, ([_shown(key, row[key]) for key in keys] for row in sources))
    for row in gaps:
        place = " ".join(str(row[key]) for key in ("source", "path") if row[key])
        span = f" from {_minute(row['since'])} to {_minute(row['until'])}" if row["since"] or row["until"] else ""
        click.echo(f"gap: {visible(place)}{span}: {visible(str(row['reason']))}")
    for row in outbox:
        click.echo(f"outbox of {visible(str(row['sink']))}: {row['pending']} waiting, {row['parked']} given up, "
                   f"{row['sent']} sent")  # fmt: skip
    for row in incidents:
        click.echo(f"incident {visible(str(row['id']))}: {row['state']}, {row['severity']}, "
                   f"since {_minute(row['opened'])}")  # fmt: skip
    store = status["store"]
    if isinstance(store, dict) and store["replaced"]:
        click.echo(f"the store was damaged and began anew; the old one lies in {visible(str(store['replaced']))}")


def _rows(part: list[dict[str, object]] | dict[str, object]) -> list[dict[str, object]]:
    return part if isinstance(part, list) else [part]


def _shown(key: str, value: object) -> str:
    from detector.report.wording import size

    if key in ("bytes", "lag_bytes") and isinstance(value, int):
        return size(value)
    return _minute(value) if key in ("covered_since", "newest_event", "last_success") else str(value)


def _minute(iso: object) -> str:
    return "-" if iso is None else str(iso)[:16].replace("T", " ")


def _iso(instant: int | None) -> str | None:
    from detector.events import to_iso

    return None if instant is None else to_iso(instant)
