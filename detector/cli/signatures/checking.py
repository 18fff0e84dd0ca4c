"""``shadowit signatures check`` and ``test``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import click

from detector.cli.examples import examples
from detector.cli.options import load_ruleset
from detector.errors import InvalidFile

EXIT_INVALID = 3


@click.command("check", epilog=examples("shadowit signatures check --strict my-signatures/"))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), default=None, metavar="DATE",
              help="Judge reviews as of this day [today].")  # fmt: skip
def check_command(paths: tuple[Path, ...], strict: bool, at: dt.datetime | None) -> int:
    """Check signatures against the schema, against each other and for doubts; every problem as file:line:col.

    Errors give exit status 3. Warnings (an overdue review, a pattern without a limit) go to standard error; the
    overdue review of a facial-recognition service is an error.
    """
    return check(paths, strict=strict, at=at)


@click.command("test", epilog=examples("shadowit signatures test --service clearview-ai"))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
@click.option("--service", "services", multiple=True, metavar="ID", help="Only this service's tests.")
def test_command(paths: tuple[Path, ...], services: tuple[str, ...]) -> int:
    """Run the tests that stand in the signatures, against the whole catalogue; exit status 3 when one fails."""
    from detector.match.embedded import failures

    ruleset = load_ruleset(paths, None)
    failed, total = failures(ruleset, frozenset(services))
    for failure in failed:
        click.echo(failure, err=True)
    click.echo(f"{total - len(failed)} passed, {len(failed)} failed")
    return EXIT_INVALID if failed else 0


def check(paths: Sequence[Path], *, strict: bool = False, at: dt.datetime | None = None) -> int:
    """Load signatures, say what is doubtful and what was loaded.

    Raises:
        InvalidFile: with every error; warnings have been printed before.
    """
    from detector.report.text import visible
    from detector.signatures.lints import lint

    ruleset = load_ruleset(paths, None)
    day = (at or dt.datetime.now(dt.UTC)).date()
    found = lint(ruleset, paths, day)
    errors = [one.problem for one in found if one.is_error or strict]
    warnings = [one.problem for one in found if not (one.is_error or strict)]
    for warning in warnings:
        click.echo(f"warning: {visible(str(warning))}", err=True)
    if errors:
        raise InvalidFile(errors)
    doubts = f", {len(warnings)} warnings" if warnings else ""
    click.echo(
        f"sound: {len(ruleset.signatures)} services, {len(ruleset.indicators())} indicators, {ruleset.digest}{doubts}"
    )
    return 0
