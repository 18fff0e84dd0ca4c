"""Which service an application is that somebody gave rights to, and what that proves.

Identity providers log when a person lets an application act for them ("sign in with …"): the clearest sign of an
account that there is. An application counts by its client id (certain), or by its whole name, whatever its case
(probable: the name is what its maker wrote). A name that two services share counts for neither.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from detector.events import Stage
from detector.match.sightings import Confidence
from detector.signatures.applications import application_names, normal

if TYPE_CHECKING:
    from detector.signatures import Ruleset

_STAGES = {
    "authorize": Stage.SIGNED_UP,
    "consent to application": Stage.SIGNED_UP,
    "add oauth2permissiongrant": Stage.SIGNED_UP,
    "add delegated permission grant": Stage.SIGNED_UP,
    "add app role assignment grant to user": Stage.SIGNED_UP,
    "event_category_login": Stage.SIGNED_IN,
    "revoke": Stage.CLOSED,
    "remove oauth2permissiongrant": Stage.CLOSED,
    "remove delegated permission grant": Stage.CLOSED,
}
"""What Google Workspace, Microsoft 365 and Defender for Cloud Apps call it → what it proves.

References: unverified: https://developers.google.com/workspace/admin/reports/v1/appendix/activity/token,
https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities
"""


class Grant(NamedTuple):
    """What an application's name or id proves."""

    service: str
    indicator: str
    confidence: Confidence


@dataclass(slots=True)
class GrantIndex:
    """A ruleset's applications, ready to be asked."""

    ruleset: Ruleset
    _names: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pairs = {(name, one.id) for one in self.ruleset.signatures for name in application_names(one)}
        shared = Counter(name for name, _ in pairs)
        self._names.update((name, service) for name, service in pairs if shared[name] == 1)
        self._ids.update((client.lower(), one.id) for one in self.ruleset.signatures for client in one.oauth.client_ids)

    def grant(self, application: str, client: str) -> Grant | None:
        """The service of an application, ``None`` for none."""
        if service := self._ids.get(client.lower()):
            return Grant(service, f"{service}:oauth:{client.lower()}", Confidence.CONFIRMED)
        name = normal(application)
        if service := self._names.get(name):
            return Grant(service, f"{service}:oauth:{name}", Confidence.PROBABLE)
        return None


def stage_of(activity: str) -> Stage | None:
    """What an activity proves; ``None`` for nothing.

    >>> stage_of("Consent to application."), stage_of("Update user.")
    (<Stage.SIGNED_UP: 'signed_up'>, None)
    """
    return _STAGES.get(activity.strip().rstrip(".").lower())
