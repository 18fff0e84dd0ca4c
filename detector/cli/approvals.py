"""``shadowit approvals``: was use within what was approved, and were approvals used?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from detector.cli.examples import examples
from detector.cli.judged import Judging, judging

if TYPE_CHECKING:
    from detector.policy import Policy
    from detector.policy.decisions import Scope


@click.command(
    epilog=examples(
        "shadowit approvals /archive --policy policy.yml --people people.csv --cases cases.csv",
        note="Each use is within, outside, before any approval, or needs the reference of a case; "
        "each approval with the use it got.",
    )
)
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@judging
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), default=None, metavar="DATE",
              help="What is about to end, as of this day [today].")  # fmt: skip
def command(paths: tuple[str, ...], at: datetime | None, **options: object) -> int:
    """Tell for every use whether an approval covers it, and for every approval who used it.

    PATH is a file, a folder or a glob of logs; without any, the daemon's store is asked, or, where there is none yet,
    the sources of the configuration.

    Only services that an approval is about are looked at. Approvals that end within 30 days and approvals that nobody
    used are marked. CSV and JSON hold every use with the line that proves it.
    """
    from detector.answers.approvals import approved
    from detector.events.instants import from_datetime
    from detector.report import approvals as report
    from detector.report.json import dump

    def wanted(policy: Policy) -> list[Scope]:
        return [one.scope for one in policy.approvals]

    asking = Judging(paths, options)
    seen = asking.judged(wanted)
    now = from_datetime((at or datetime.now(UTC)).replace(tzinfo=UTC))
    categories = {one.id: one.category for one in seen.ruleset.signatures}
    found = approved(seen.evidence.sightings, seen.evidence.policy, categories, seen.evidence.references, now)
    if options["output_format"] == "json":
        text = dump(report.as_json(found, seen.shown, seen.evidence.policy.digest), indent=True)
    elif options["output_format"] == "csv":
        text = report.as_csv(found, seen.shown)
    else:
        text = report.as_text(found, seen.shown)
    asking.write(text)
    return 0
