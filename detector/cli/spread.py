"""``shadowit spread``: who brought whom to a service."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector import __version__
from detector.cli.audit import instant, key_of, written
from detector.cli.options import (
    all_formats,
    asked_logs,
    load_config,
    load_people,
    load_ruleset,
    reading,
    site_of,
    with_people,
    with_signatures,
)
from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.answers.spread import Spread
    from detector.match import Actor


@click.command(
    epilog="Example: shadowit spread clearview-ai /archive/mail /archive/proxy --people people.csv -f dot | dot -Tsvg"
)
@click.argument("service", metavar="SERVICE")
@click.argument("paths", nargs=-1, metavar="[PATH]…")
@reading
@with_signatures
@with_people
@click.option("--since", default="", metavar="TIME", help="Leave out what was before (ISO 8601, UTC unless it says).")
@click.option("--until", default="", metavar="TIME", help="Leave out what was at or after this time.")
@click.option("--names/--no-names", "names", default=None, help="Show people by name, or as keyed pseudonyms.")
@click.option(
    "-f", "--format", "output_format", type=click.Choice(("table", "json", "dot", "svg")), default="table",
    help="Output [table]; dot is for Graphviz.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there, not to stdout.")
def command(service: str, paths: tuple[str, ...], **options: object) -> int:
    """Show how SERVICE came into the organisation: invitations, forwards, who was first, which units it crossed.

    PATH is a file, a folder or a glob with mail logs (for who wrote to whom) and any others (for who then came).
    Without PATH the logs of the configuration's sources are read. The daemon's store cannot tell this: it keeps no
    subject of a mail, and of its other end only the domain, so that nobody's correspondence lies in it.
    """
    text = _rendered(*_spread(service, paths, options), str(options["output_format"]))
    output = options["output"]
    if isinstance(output, Path):
        written(output, text)
    else:
        sys.stdout.write(text)
    return 0


def _spread(service: str, paths: tuple[str, ...], options: dict[str, object]) -> tuple[Spread, bytes | None]:
    from detector.answers.spread import spread
    from detector.audit import Terms, audited, plan
    from detector.audit.mails import correspondence_of
    from detector.match import Matcher
    from detector.scan import Settings

    def path(name: str) -> Path | None:
        chosen = options[name]
        return chosen if isinstance(chosen, Path) else None

    config = load_config(path("config_path"))
    chosen = options["signature_paths"]
    signatures = [Path(str(one)) for one in chosen] if isinstance(chosen, tuple) else []
    ruleset, formats = load_ruleset(signatures, config), all_formats(config)
    if service not in ruleset:
        raise UsageError(f"no service is called {service!r}: `shadowit signatures list` shows them all")
    zone = str(options["timezone"] or "")
    people = load_people(path("people_path"), config, zone)
    site = site_of(str(options["input_format"] or ""), zone, formats)
    inputs = plan(asked_logs(paths, site, config, formats), formats)
    settings = Settings(
        since=instant(str(options["since"]), "--since"), until=instant(str(options["until"]), "--until")
    )
    key = key_of(options["names"], config)
    terms = Terms(__version__, settings, frozenset({service}), people=people, keep=True)
    mails, who_is, names = correspondence_of(inputs, ruleset[service], Matcher(ruleset), people)
    sightings = audited(inputs, ruleset, terms).sightings
    return spread([one for one in mails if settings.covers(one.at)], sightings, who_is, names), key


def _rendered(found: Spread, key: bytes | None, output_format: str) -> str:
    import orjson

    from detector.identity import pseudonym
    from detector.report import spreading

    def shown(actor: Actor) -> str:
        return actor.name if key is None else pseudonym(actor, key)

    if output_format == "json":
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(spreading.as_json(found, shown), option=options).decode()
    if output_format == "dot":
        return spreading.as_dot(found, shown)
    if output_format == "svg":
        return spreading.as_svg(found, shown)
    return spreading.as_text(found, shown)
