"""``shadowit findings``: what the store holds, and what people did about it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.asking import instant
from detector.cli.examples import examples
from detector.cli.kept import (
    asker,
    config_of,
    dumped,
    finding_rows_of,
    granted,
    moment,
    now,
    reader_of,
    table,
    with_asker,
    with_config,
    with_grant,
    writer_of,
)
from detector.cli.options import load_people, load_ruleset
from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.config import Config
    from detector.report.document import FindingRow
    from detector.signatures import Ruleset
    from detector.store import Incident, Note, Reader

_FORMATS = ("table", "json", "jsonl", "csv")


@click.group(epilog=examples("shadowit findings list -c /etc/shadowit/shadowit.yml --service clearview-ai"))
def command() -> None:
    """List what the daemon found, show it with its evidence, acknowledge or close its incident.

    Actors are pseudonyms: `shadowit reveal` opens them, with the keys of both custodians.
    """


@command.command(
    "list",
    short_help="List findings, one for each actor and service.",
    epilog=examples("shadowit findings list -f jsonl --since 2020-02-01"),
)
@with_config
@click.option("--service", default="", metavar="ID", help="Only this service.")
@click.option("--who", default="", metavar="PSEUDONYM", help="Only this actor, as when somebody asks for their own.")
@click.option("--since", default="", metavar="TIME", help="Leave out what was before (ISO 8601, UTC unless it says).")
@click.option("--until", default="", metavar="TIME", help="Leave out what was at or after this time.")
@click.option("--verdict", default="", metavar="NAME", help="Only findings with this verdict, such as after-order.")
@click.option("-f", "--format", "output_format", type=click.Choice(_FORMATS), default="table", help="Output [table].")
def list_findings(
    config_path: Path, service: str, who: str, since: str, until: str, verdict: str, output_format: str
) -> int:
    """List findings, one for each actor and service, as an audit of the same logs reports them."""
    config = config_of(config_path)
    ruleset = load_ruleset((), config)
    people = load_people(None, config)
    with reader_of(config) as store:
        rows, orphans = finding_rows_of(
            store, config, ruleset, people, service=_known(service, ruleset) or None,
            since=instant(since, "--since"), until=instant(until, "--until"),
        )  # fmt: skip
        states = {one.service: one.state.value for one in store.incidents()}
    rows = [row for row in rows if verdict in ("", row.verdict) and who in ("", row.actor.id)]
    _print(rows, states, ruleset, output_format)
    for name, count in orphans.items():
        click.echo(f"shadowit: {name}: {count} findings left out: no signature names this service any more", err=True)
    return 0


@command.command(
    "show",
    short_help="Show the findings of a service, with the lines that prove them.",
    epilog=examples(
        "shadowit findings show clearview-ai p-9a1bb31c0de0f7aa",
        "shadowit findings show clearview-ai --names --grant case-2026-7.grant",
    ),
)
@click.argument("service")
@click.argument("pseudonym", default="")
@with_config
@with_asker
@click.option("--names", is_flag=True, help="Show the names that a --grant covers; it is logged first.")
@with_grant
@click.option(
    "-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table", help="Output [table]."
)
def show(service: str, pseudonym: str, config_path: Path, by: str, **options: object) -> int:
    """Show the findings of SERVICE, or only that of PSEUDONYM, with the lines that prove them and the incident."""
    config = config_of(config_path)
    ruleset = load_ruleset((), config)
    people = load_people(None, config)
    grant_path = options["grant_path"]
    if bool(options["names"]) is not isinstance(grant_path, Path):
        raise UsageError("--names and --grant go together: the store holds pseudonyms, a grant opens some of them")
    with reader_of(config) as store:
        rows, _ = finding_rows_of(store, config, ruleset, people, service=_known(service, ruleset))
        rows = [row for row in rows if not pseudonym or row.actor.id == pseudonym]
        incident, notes = _incident(store, service)
    if isinstance(grant_path, Path):
        rows = _named(rows, config, grant_path, asker(by))
    if options["output_format"] == "json":
        dumped(_as_data(rows, incident, notes))
        return 0
    _print_incident(incident, notes)
    for row in rows:
        _print_finding(row)
    if not rows:
        click.echo(f"no finding of {service}" + (f" by {pseudonym}" if pseudonym else ""))
    return 0


def _named(rows: list[FindingRow], config: Config, grant_path: Path, by: str) -> list[FindingRow]:
    """The same findings with the names that a grant covers; that they are shown is logged."""
    if not rows:
        return rows
    with writer_of(config) as store:
        actors = granted(store, grant_path, [row.actor.id for row in rows], by, is_partial=True).actors
    return [
        row._replace(actor=row.actor._replace(name=actors[row.actor.id].name)) if row.actor.id in actors else row
        for row in rows
    ]


@command.command(
    "ack",
    short_help="Say that somebody takes care of an incident.",
    epilog=examples("shadowit findings ack clearview-ai --note 'asked the unit, ticket 4711'"),
)
@click.argument("service")
@with_config
@with_asker
@click.option("--note", default="", metavar="TEXT", help="What is being done.")
def ack(service: str, config_path: Path, by: str, note: str) -> int:
    """Acknowledge the incident of SERVICE (or an incident by its id): somebody takes care of it."""
    with writer_of(config_of(config_path)) as store:
        incident = store.ack(service, by=asker(by), note=note, now=now())
    click.echo(f"{incident.id}: acknowledged by {incident.by}")
    return 0


@command.command(
    "close",
    short_help="Say that an incident is over.",
    epilog=examples("shadowit findings close clearview-ai --note 'account deleted, confirmed'"),
)
@click.argument("service")
@with_config
@with_asker
@click.option("--note", default="", metavar="TEXT", help="How it ended.")
def close(service: str, config_path: Path, by: str, note: str) -> int:
    """Close the incident of SERVICE (or an incident by its id); the next alert of it opens it again."""
    with writer_of(config_of(config_path)) as store:
        incident = store.close_incident(service, by=asker(by), note=note, now=now())
    click.echo(f"{incident.id}: closed by {incident.by}")
    return 0


def _known(service: str, ruleset: Ruleset) -> str:
    if service and service not in ruleset:
        raise UsageError(f"no service is called {service!r}: `shadowit signatures list` shows them all")
    return service


def _print(rows: Sequence[FindingRow], states: dict[str, str], ruleset: Ruleset, output_format: str) -> None:
    from detector import __version__
    from detector.report import Report, writer_named
    from detector.report.json import dump, finding

    if output_format == "table":
        heads = (
            "SERVICE",
            "WHO",
            "UNIT",
            "STAGE",
            "VERDICT",
            "FIRST SEEN",
            "LAST SEEN",
            "DAYS",
            "SIGHTINGS",
            "INCIDENT",
        )
        table(heads, (
            (row.service, row.actor.id, row.actor.unit, row.stage, row.verdict, moment(row.first_seen),
             moment(row.last_seen), f"{row.days}", f"{row.sightings}", states.get(row.service, "-"))
            for row in rows
        ))  # fmt: skip
    elif output_format == "json":
        sys.stdout.write(dump([finding(row, names=False) for row in rows], indent=True))
    else:
        report = Report(__version__, ruleset.digest, len(ruleset.signatures), None, None, (), tuple(rows), names=False)
        sys.stdout.write(writer_named(output_format).render(report, colour=False, width=0))


def _incident(store: Reader, service: str) -> tuple[Incident | None, list[Note]]:
    incident = store.incident(service)
    return incident, store.notes(incident.id) if incident else []


def _as_data(rows: Sequence[FindingRow], incident: Incident | None, notes: Sequence[Note]) -> dict[str, object]:
    from detector.events import to_iso
    from detector.report.json import finding

    said = None
    if incident is not None:
        said = {
            "id": incident.id, "state": incident.state.value, "severity": incident.severity,
            "opened": to_iso(incident.opened),
            "changes": [{"at": to_iso(one.at), "state": one.state.value, "by": one.by, "note": one.note}
                        for one in notes],
        }  # fmt: skip
    return {"incident": said, "findings": [finding(row, names=bool(row.actor.name)) for row in rows]}


def _print_incident(incident: Incident | None, notes: Sequence[Note]) -> None:
    from detector.report.text import visible

    if incident is None:
        return
    click.echo(f"incident {visible(incident.id)}: {incident.state.value}, {incident.severity}")
    for one in notes:
        click.echo(f"  {moment(one.at)}  {one.state.value} by {visible(one.by)}  {visible(one.note)}".rstrip())


def _print_finding(row: FindingRow) -> None:
    from detector.report.text import visible

    actor = row.actor
    who = f"{actor.id}  {visible(actor.name)}" if actor.name else actor.id
    click.echo(f"\n{row.service}  {who}  ({actor.kind}, {actor.confidence} confidence)  {actor.unit}".rstrip())
    click.echo(f"  {row.stage} ({row.confidence}), {row.verdict}")
    click.echo(f"  {moment(row.first_seen)} to {moment(row.last_seen)}: {row.sightings} sightings on {row.days} days, "
               f"{row.denied} refused, {row.bytes_sent} bytes sent")  # fmt: skip
    for one in row.evidence:
        click.echo(f"    {moment(one.at)}  {one.stage}  {visible(one.path)}:{one.offset} ({one.length} bytes, "
                   f"sha256 {one.sha256[:16]})  {one.indicator}")  # fmt: skip
