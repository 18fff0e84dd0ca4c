"""``shadowit register``: the inventory of technologies that regulators ask for."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import AwareDatetime, BaseModel, ValidationError

from detector import __version__
from detector.cli.examples import examples
from detector.cli.options import load_config, load_policy, load_ruleset, with_policy, with_signatures
from detector.errors import UsageError
from detector.events import Stage
from detector.policy import Verdict

if TYPE_CHECKING:
    from detector.answers.register import Found


class _Who(BaseModel):
    id: str
    unit: str = ""


class _Finding(BaseModel):
    """A finding as reports write it; what a register does not count is passed over."""

    service: str
    actor: _Who
    stage: Stage
    verdict: Verdict
    first_seen: AwareDatetime | None
    last_seen: AwareDatetime | None
    days: int
    sightings: int
    denied: int
    bytes_sent: int
    sources: list[str]


class _Policy(BaseModel):
    digest: str = ""


class _Report(BaseModel):
    findings: list[_Finding]
    policy: _Policy = _Policy()


@click.command(
    epilog=examples(
        "shadowit register --policy policy.yml --findings report.json -f html -o register.html",
        note="report.json is what `shadowit audit --policy policy.yml -f json` wrote.",
    )
)
@with_signatures
@with_policy
@click.option("-c", "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="Configuration that names signatures and a policy.")  # fmt: skip
@click.option("--findings", "findings_paths", multiple=True, type=click.Path(path_type=Path, dir_okay=False,
              allow_dash=True), metavar="FILE", help="What was seen: a report of `shadowit audit -f json`, or findings "
              "as JSON lines (- for standard input); may be given several times.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Every service, not only those decided about or seen.")
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), default=None, metavar="DATE",
              help="Who is authorised as of this day [today].")  # fmt: skip
@click.option("-f", "--format", "output_format", type=click.Choice(("csv", "json", "md", "html")), default="csv",
              help="Output [csv].")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there, not to stdout.")
def command(
    signature_paths: tuple[Path, ...],
    policy_path: Path | None,
    config_path: Path | None,
    findings_paths: tuple[Path, ...],
    everything: bool,
    at: dt.datetime | None,
    output_format: str,
    output: Path | None,
) -> int:
    """Write the register of technologies: what each service is, what was decided about it, and what was seen of it.

    Facts come from signatures, decisions from the policy, use from findings. Nobody is named in it.
    """
    from detector.answers.register import register
    from detector.cli.asking import written
    from detector.events.instants import from_datetime
    from detector.report.register import Head, render

    config = load_config(config_path)
    ruleset, policy = load_ruleset(signature_paths, config), load_policy(policy_path, config)
    found = [one for path in findings_paths for one in _found(path, policy.digest)]
    rows = register({one.id: one for one in ruleset.signatures}, policy, found, everything=everything)
    now = from_datetime((at or dt.datetime.now(dt.UTC)).replace(tzinfo=dt.UTC))
    text = render(rows, Head(__version__, ruleset.digest, policy.digest, now), output_format)
    if output:
        written(output, text)
    else:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    return 0


def _found(path: Path, policy: str) -> list[Found]:
    """The findings of a file.

    Raises:
        UsageError: it cannot be read, or holds something else.
    """
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read: {fault.strerror}") from None
    try:
        report = _Report.model_validate_json(text)
    except ValidationError:
        report = _of_lines(path, text)
    if report.policy.digest not in ("", policy):
        click.echo(f"shadowit: {path}: was judged by another policy: its verdicts are not those of this one", err=True)
    return [_as_found(one) for one in report.findings]


def _of_lines(path: Path, text: bytes) -> _Report:
    try:
        return _Report(findings=[_Finding.model_validate_json(line) for line in text.split(b"\n") if line.strip()])
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(
            f"{path}: holds neither a report of `shadowit audit -f json` nor findings as JSON lines: "
            f"{place}: {first['msg']}"
        ) from None


def _as_found(one: _Finding) -> Found:
    from detector.answers.register import Found
    from detector.events.instants import from_datetime

    return Found(
        service=one.service,
        actor=one.actor.id,
        units=tuple(unit for unit in one.actor.unit.split(", ") if unit),
        stage=one.stage,
        verdict=one.verdict,
        first=None if one.first_seen is None else from_datetime(one.first_seen),
        last=None if one.last_seen is None else from_datetime(one.last_seen),
        days=one.days,
        sightings=one.sightings,
        denied=one.denied,
        bytes_sent=one.bytes_sent,
        sources=tuple(one.sources),
    )
