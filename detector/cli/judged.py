"""What `orders` and `approvals` have in common: their options, and the sightings that a policy is about."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from detector import __version__
from detector.cli.audit import instant, key_of, written
from detector.cli.options import (
    all_formats,
    asked_logs,
    load_cases,
    load_config,
    load_people,
    load_policy,
    load_ruleset,
    reading,
    site_of,
    standard_input_as_file,
    with_cases,
    with_people,
    with_policy,
    with_signatures,
)
from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.answers import Evidence
    from detector.cli.evidence import Asked
    from detector.config import Config
    from detector.match import Actor
    from detector.policy import Policy
    from detector.policy.decisions import Scope
    from detector.signatures import Ruleset

Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Judged:
    """What was seen of the services that a policy is about.

    Attributes:
        ruleset: the signatures.
        evidence: what was seen and read, with the policy, its people named as the actors are.
        key: of the pseudonyms, ``None``: actors are shown as they are (those of a store are pseudonyms already).
    """

    ruleset: Ruleset
    evidence: Evidence
    key: bytes | None

    def shown(self, actor: Actor) -> str:
        """The name or the pseudonym of an actor."""
        from detector.identity import pseudonym

        return actor.name if self.key is None else pseudonym(actor, self.key)


def judging(command: Command) -> Command:
    """Options of commands that judge what logs, or the store, hold."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors."),
        click.option("--no-progress", is_flag=True, help="Show no progress (there is none on a pipe)."),
        click.option("--engine", default="", metavar="NAME", help="serial or processes [by size]."),
        click.option("--jobs", type=click.IntRange(1), default=None, help="Worker processes [number of cores]."),
        click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
                     help="Write there, not to stdout."),
        click.option("-f", "--format", "output_format", type=click.Choice(("table", "json", "csv")), default="table",
                     help="Output [table]."),
        click.option("--names/--no-names", "names", default=None, help="Show people by name, or as keyed pseudonyms."),
        click.option("--until", default="", metavar="TIME", help="End of it, not included [the last event]."),
        click.option("--since", default="", metavar="TIME", help="Start of what is looked at [the first event]."),
    ):  # fmt: skip
        command = option(command)
    return reading(with_signatures(with_policy(with_cases(with_people(command)))))


def judged(paths: tuple[str, ...], options: dict[str, object], scopes: Callable[[Policy], list[Scope]]) -> Judged:
    """What logs (or, without any, the store of the configuration) hold of services that a policy is about.

    Args:
        paths: of logs.
        options: of the command.
        scopes: of the decisions that are asked about.

    Raises:
        UsageError: there is no policy, or it holds nothing that is asked about.
    """
    from detector.audit import plan
    from detector.cli import evidence
    from detector.policy import EMPTY

    config = load_config(_path(options, "config_path"))
    policy = load_policy(_path(options, "policy_path"), config)
    if policy is EMPTY:
        raise UsageError("no policy: name one with --policy FILE (or in the configuration)")
    chosen = options["signature_paths"]
    ruleset = load_ruleset([Path(str(one)) for one in chosen] if isinstance(chosen, tuple) else [], config)
    wanted = scopes(policy)
    services = frozenset(
        one.id for one in ruleset.signatures if any(scope.covers(one.id, one.category) for scope in wanted)
    )
    if not services:
        raise UsageError("the policy decides nothing here about a service that there is a signature of")
    asked = _asked(options, config, ruleset, policy, services)
    formats = all_formats(config)
    if not paths and config is not None and evidence.has_store(config):
        return Judged(ruleset, evidence.of_store(config, formats, asked)[0], None)
    site = site_of(str(options["input_format"] or ""), str(options["timezone"] or ""), formats)
    with standard_input_as_file(paths, config) as standard_input:
        inputs = plan(asked_logs(paths, site, config, formats, standard_input), formats)
        found, _ = evidence.of_logs(inputs, asked)
        return Judged(ruleset, found, key_of(options["names"], config))


def _asked(
    options: dict[str, object], config: Config | None, ruleset: Ruleset, policy: Policy, services: frozenset[str]
) -> Asked:
    from detector.audit import Terms
    from detector.cli.evidence import Asked
    from detector.scan import Settings

    since, until = instant(str(options["since"]), "--since"), instant(str(options["until"]), "--until")
    jobs = options["jobs"]
    people = load_people(_path(options, "people_path"), config, str(options["timezone"] or ""))
    references = load_cases(_path(options, "cases_path"))
    terms = Terms(
        version=__version__,
        settings=Settings(since=since, until=until),
        services=services,
        jobs=jobs if isinstance(jobs, int) else len(os.sched_getaffinity(0)),
        engine=str(options["engine"]),
        people=people,
        policy=policy,
        references=references,
        keep=True,
    )
    cases = references.named_by(people) if people is not None else references
    is_shown = not (options["no_progress"] or options["quiet"])
    return Asked(since, until, ruleset, terms, cases, is_shown, _path(options, "config_path"))


def write(text: str, options: dict[str, object]) -> None:
    """Write to the file that is asked for, or to standard output."""
    output = options["output"]
    if isinstance(output, Path):
        written(output, text)
        if not options["quiet"]:
            click.echo(f"shadowit: wrote {output}", err=True)
    else:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()


def _path(options: dict[str, object], name: str) -> Path | None:
    chosen = options[name]
    return chosen if isinstance(chosen, Path) else None
