"""An organisation's policy, asked about single sightings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.grammars.values import lower
from detector.policy import EMPTY, Act, Subject

if TYPE_CHECKING:
    from detector.findings import Judge
    from detector.match import Attribution, Sighting
    from detector.policy import Policy, Ruling
    from detector.signatures import Ruleset


def judge_of(policy: Policy, ruleset: Ruleset) -> Judge | None:
    """What a policy says of sightings; ``None`` where it says nothing."""
    if policy is EMPTY:
        return None
    categories = {one.id: one.category for one in ruleset.signatures}

    def judge(sighting: Sighting, attribution: Attribution) -> Ruling:
        known = (attribution.actor.name, sighting.account, sighting.mailbox, sighting.address)
        subject = Subject(frozenset(lower(name) for name in known if name), attribution.unit)
        return policy.judge(
            Act(
                service=sighting.service,
                category=categories[sighting.service],
                stage=sighting.stage,
                at=sighting.at,
                denied=sighting.denied,
                host=sighting.host,
                indicator=sighting.indicator,
            ),
            subject,
        )

    return judge
