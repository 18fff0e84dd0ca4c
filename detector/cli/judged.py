"""What `orders` and `approvals` have in common: their options, and the sightings that a policy is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from detector.cli.asking import Asking
from detector.cli.options import (
    reading,
    with_cases,
    with_names,
    with_output,
    with_people,
    with_policy,
    with_signatures,
    with_workers,
)
from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.answers import Evidence
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
        click.option("-f", "--format", "output_format", type=click.Choice(("table", "json", "csv")), default="table",
                     help="Output [table]."),
        click.option("--until", default="", metavar="TIME", help="End of it, not included [the last event]."),
        click.option("--since", default="", metavar="TIME", help="Start of what is looked at [the first event]."),
    ):  # fmt: skip
        command = option(command)
    return reading(
        with_signatures(with_policy(with_cases(with_people(with_names(with_output(with_workers(command)))))))
    )


class Judging(Asking):
    """One call of a command that judges what logs, or the store, hold."""

    def judged(self, scopes: Callable[[Policy], list[Scope]]) -> Judged:
        """What logs (or, without any, the store of the configuration) hold of services that a policy is about.

        Args:
            scopes: of the decisions that are asked about.

        Raises:
            UsageError: there is no policy, or it holds nothing that is asked about.
        """
        from detector.cli import evidence
        from detector.policy import EMPTY

        if self.policy is EMPTY:
            raise UsageError("no policy: name one with --policy FILE (or in the configuration)")
        wanted = scopes(self.policy)
        services = [
            one.id for one in self.ruleset.signatures if any(scope.covers(one.id, one.category) for scope in wanted)
        ]
        if not services:
            raise UsageError("the policy decides nothing here about a service that there is a signature of")
        asked = self.asked(services)
        if not self.paths and self.config is not None and evidence.has_store(self.config):
            return Judged(self.ruleset, evidence.of_store(self.config, self.formats, asked)[0], None)
        key = self.key()
        with self.inputs() as inputs:
            return Judged(self.ruleset, evidence.of_logs(inputs, asked)[0], key)
