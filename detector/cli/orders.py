"""``shadowit orders``: were orders to cease use followed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from detector.cli.asking import EXIT_INCOMPLETE
from detector.cli.examples import examples
from detector.cli.judged import Judging, judging
from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.answers.orders import Followed
    from detector.cli.judged import Judged
    from detector.policy import Order, Policy
    from detector.policy.decisions import Scope


@click.command(
    epilog=examples(
        "shadowit orders /archive --policy policy.yml --people people.csv --until 2020-06-01",
        note="For each order and person: days of use before it, in the grace period and after it; "
        "COMPLIANT, BREACH or UNPROVEN.",
    )
)
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@judging
@click.option("--order", "chosen", multiple=True, metavar="ID", help="Only this order; may be given several times.")
@click.option("--require-coverage", type=click.FloatRange(0, 100), default=95.0, metavar="PCT",
              help="Share of the time after an order that the logs have to cover [95].")  # fmt: skip
def command(paths: tuple[str, ...], chosen: tuple[str, ...], require_coverage: float, **options: object) -> int:
    """Tell who followed the policy's orders to cease use, and which accounts are still to be deleted.

    PATH is a file, a folder or a glob of logs; without any, the daemon's store is asked, or, where there is none yet,
    the sources of the configuration.

    A refused attempt, a look-up and mail are no uses. Requests that a program makes by the clock are told apart from
    those of a person. Where the logs cover too little of the time after an order nobody is called compliant, and the
    exit status is 4.
    """
    from detector.report import orders as report
    from detector.report.json import dump

    def wanted(policy: Policy) -> list[Scope]:
        return [one.scope for one in _wanted(policy, chosen)]

    asking = Judging(paths, options)
    seen = asking.judged(wanted)
    found = [_followed(one, seen, require_coverage / 100) for one in _wanted(seen.evidence.policy, chosen)]
    if options["output_format"] == "json":
        text = dump(report.as_json(found, seen.shown, seen.evidence.policy.digest), indent=True)
    elif options["output_format"] == "csv":
        text = report.as_csv(found, seen.shown)
    else:
        text = report.as_text(found, seen.shown)
    asking.write(text)
    return EXIT_INCOMPLETE if any(one.covered < one.required for one in found) else 0


def _wanted(policy: Policy, chosen: tuple[str, ...]) -> list[Order]:
    """The orders that are asked about, all when none is named.

    Raises:
        UsageError: the policy holds none of a name.
    """
    known = {one.id for one in policy.orders}
    for name in chosen:
        if name not in known:
            raise UsageError(f"the policy holds no order {name!r}: it holds {', '.join(sorted(known)) or 'none'}")
    return [one for one in policy.orders if not chosen or one.id in chosen]


def _followed(order: Order, seen: Judged, required: float) -> Followed:
    from detector.answers import kinds_of
    from detector.answers.orders import covered_behind, followed

    services = [one for one in seen.ruleset.signatures if order.scope.covers(one.id, one.category)]
    ids, ledger = {one.id for one in services}, seen.evidence.ledger
    needed = frozenset(kind for one in services for kind in kinds_of(one))
    rows = [one for one in seen.evidence.sightings if one.service in ids]
    covered = covered_behind(order, needed, ledger)
    return followed(order, rows, until=ledger.window.until, covered=covered, required=required)
