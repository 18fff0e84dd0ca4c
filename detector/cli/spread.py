"""``shadowit spread``: who brought whom to a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from detector.cli.asking import Asking
from detector.cli.examples import examples
from detector.cli.options import reading, with_names, with_output, with_people, with_signatures, with_workers

if TYPE_CHECKING:
    from detector.answers.spread import Spread
    from detector.match import Actor


@click.command(
    epilog=examples("shadowit spread clearview-ai /archive/mail /archive/proxy --people people.csv -f dot | dot -Tsvg")
)
@click.argument("service", metavar="SERVICE")
@click.argument("paths", nargs=-1, metavar="[PATH]…")
@reading
@with_signatures
@with_people
@click.option("--since", default="", metavar="TIME", help="Leave out what was before (ISO 8601, UTC unless it says).")
@click.option("--until", default="", metavar="TIME", help="Leave out what was at or after this time.")
@with_names
@click.option(
    "-f", "--format", "output_format", type=click.Choice(("table", "json", "dot", "svg")), default="table",
    help="Output [table]; dot is for Graphviz.",
)  # fmt: skip
@with_output
@with_workers
def command(service: str, paths: tuple[str, ...], **options: object) -> int:
    """Show how SERVICE came into the organisation: invitations, forwards, who was first, which units it crossed.

    SERVICE is an id, such as clearview-ai: `shadowit signatures list` shows them all. PATH is a file, a folder or a
    glob with mail logs (for who wrote to whom) and any others (for who then came).
    Without PATH the logs of the configuration's sources are read. The daemon's store cannot tell this: it keeps no
    subject of a mail, and of its other end only the domain, so that nobody's correspondence lies in it.
    """
    asking = Asking(paths, options)
    asking.write(_rendered(_spread(asking, service), asking.key(), asking.text("output_format")))
    return 0


def _spread(asking: Asking, service: str) -> Spread:
    from detector.answers.spread import spread
    from detector.audit import audited
    from detector.audit.mails import correspondence_of
    from detector.match import Matcher

    signature, terms = asking.signature(service), asking.terms([service], keep=True)
    with asking.inputs() as inputs:
        mails, who_is, names = correspondence_of(inputs, signature, Matcher(asking.ruleset), asking.people)
        with asking.progress(inputs) as advance:
            sightings = audited(inputs, asking.ruleset, terms, advance).sightings
        return spread([one for one in mails if terms.settings.covers(one.at)], sightings, who_is, names)


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
