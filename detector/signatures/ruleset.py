"""All signatures in force, as one frozen value with a digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from detector.events import Stage
    from detector.signatures.model import Indicator, Signature


class MailKind(NamedTuple):
    """One kind of mail that services send, and the stage that it proves.

    Attributes:
        name: such as ``verify`` or ``receipt``.
        stage: what such mail proves.
        subjects: patterns of its subject lines.
    """

    name: str
    stage: Stage
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The signatures of one run.

    Attributes:
        digest: SHA-256 (hex) over the content of all signatures and shared data; comments and file names do not count.
        signatures: by id, ascending.
        shared_hosts: suffixes that many services share.
        session_proxies: suffixes behind which another host's name stands in front.
        translators: suffixes behind which another host's name stands with its dots as hyphens.
        mail_kinds: shared subject patterns; the first that is found decides.
        mail_platforms: sender domains that many services share.
    """

    digest: str
    signatures: tuple[Signature, ...]
    shared_hosts: frozenset[str] = frozenset()
    session_proxies: frozenset[str] = frozenset()
    translators: frozenset[str] = frozenset()
    mail_kinds: tuple[MailKind, ...] = ()
    mail_platforms: frozenset[str] = frozenset()
    _by_id: dict[str, Signature] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_id.update((signature.id, signature) for signature in self.signatures)

    def __getitem__(self, service: str) -> Signature:
        """The signature of a service id."""
        return self._by_id[service]

    def __contains__(self, service: str) -> bool:
        return service in self._by_id

    def indicators(self) -> tuple[Indicator, ...]:
        """Every indicator of every signature, in order."""
        return tuple(indicator for signature in self.signatures for indicator in signature.indicators)
