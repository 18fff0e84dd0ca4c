"""Which service a mail is from, and what it proves: sender first, then authentication, then the subject line.

A sender's domain counts on label boundaries. Mail from a platform that many services share counts only with the
service's name in the display name or the subject. Mail that failed authentication, or whose header and envelope
disagree, proves nothing. Where a log does not say how authentication ended, what it proves is *probable*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from detector.events import Stage
from detector.signatures.patterns import PatternSet, plain
from detector.signatures.suffixes import labels_of, suffix_at

if TYPE_CHECKING:
    from detector.signatures import Ruleset

_ANSWER = re.compile(r"\s*(?:re|aw|sv|antw|tr|wg|fwd?|rv|enc)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_SRS0 = re.compile(r"srs0[=+-][^=]+=[^=]+=([^=]+)=", re.IGNORECASE)
_SRS1 = re.compile(r"srs1[=+-][^=]+=[^=]+==[^=]+=[^=]+=([^=]+)=", re.IGNORECASE)
_REWRITTEN = re.compile(r"[^@=]+=([a-z0-9.-]+\.[a-z]{2,})")


class Mail(NamedTuple):
    """What a log, or a mail's head, says about one mail; addresses and domains in any case, empty where unknown.

    Attributes:
        direction: ``inbound``, ``outbound``, ``internal`` or empty.
        header_from: address in the From header.
        from_name: display name in the From header.
        envelope_from: address of the envelope's sender.
        dkim_domain: domain of a DKIM signature that was verified.
        authentication: ``pass`` or ``fail`` where the log says how it ended.
        subject: decoded subject line.
    """

    direction: str = ""
    header_from: str = ""
    from_name: str = ""
    envelope_from: str = ""
    dkim_domain: str = ""
    authentication: str = ""
    subject: str = ""


class Proof(NamedTuple):
    """What a mail proves.

    Attributes:
        service: the service's id.
        stage: how far the proof reaches.
        indicator: the id of what proved it: ``service:mail:domain:kind``.
        certain: whether the log itself shows that the sender was authenticated.
    """

    service: str
    stage: Stage
    indicator: str
    certain: bool


@dataclass(slots=True)
class MailIndex:
    """A ruleset's senders and subject lines, ready to be asked."""

    ruleset: Ruleset
    _domains: dict[str, str] = field(default_factory=dict)
    _names: list[tuple[re.Pattern[str], str]] = field(default_factory=list)
    _own: dict[str, tuple[PatternSet, tuple[Stage, ...]]] = field(default_factory=dict)
    _shared: list[PatternSet] = field(default_factory=list)

    def __post_init__(self) -> None:
        for signature in self.ruleset.signatures:
            self._domains.update((domain, signature.id) for domain in signature.mail.domains)
            self._names.extend((_whole_words(name), signature.id) for name in signature.mail.names)

    def domains(self) -> frozenset[str]:
        """Sender domains that are some service's own."""
        return frozenset(self._domains)

    def prove(self, mail: Mail, *, strict: bool = False) -> Proof | None:
        """What an incoming mail proves, ``None`` for nothing.

        Args:
            mail: what is known of it.
            strict: what is not said about authentication counts as failed; a log that never says is read without.
        """
        if strict and not (mail.dkim_domain or mail.envelope_from or mail.authentication == "pass"):
            return None
        if mail.direction in ("outbound", "internal") or mail.authentication == "fail":
            return None
        sender, is_rewritten = _author_domain(mail.header_from or mail.envelope_from, is_header=bool(mail.header_from))
        if not sender or not self._agrees(mail, sender, is_rewritten=is_rewritten):
            return None
        service, certain = self.service_of(sender), bool(mail.dkim_domain) or mail.authentication == "pass"
        if service is not None:
            kind, stage = self._stage(service, mail.subject)
            return Proof(service, stage, f"{service}:mail:{sender}:{kind}", certain)
        service = self._named(mail, sender)
        if service is None:
            return None
        kind, stage = self._stage(service, mail.subject)
        if stage is Stage.SOLICITED and not self._is_named(service, mail.from_name):
            return None  # news about a service, sent by somebody through the same platform
        return Proof(service, stage, f"{service}:mail:{sender}:{kind}", certain=False)

    def service_of(self, domain: str) -> str | None:
        """The service that a mail domain belongs to, on label boundaries."""
        while domain:
            if found := self._domains.get(domain):
                return found
            _, _, domain = domain.partition(".")
        return None

    def _agrees(self, mail: Mail, sender: str, *, is_rewritten: bool) -> bool:
        """Whether DKIM or the envelope is aligned with the header's sender; unknown counts as agreeing.

        A forwarder or a mailing list that rewrote the sender vouches only for itself: then DKIM alone can agree.
        """
        if mail.dkim_domain and self._is_family(mail.dkim_domain.lower().strip("."), sender):
            return True
        if is_rewritten:
            return False
        if mail.authentication == "pass":
            return True
        if mail.header_from and mail.envelope_from:
            envelope, envelope_is_rewritten = _author_domain(mail.envelope_from, is_header=False)
            return not envelope_is_rewritten and self._is_family(envelope, sender)
        return not mail.dkim_domain

    def _is_family(self, domain: str, other: str) -> bool:
        if not domain or not other:
            return False
        if domain == other:
            return True
        for parent, child in ((domain, other), (other, domain)):
            if child.endswith(f".{parent}") and suffix_at(labels_of(parent)) > 0:  # a public suffix speaks for nobody
                return True
        service = self.service_of(domain)
        if service is not None:
            return service == self.service_of(other)
        platform = self._platform(domain)
        return platform is not None and platform == self._platform(other)

    def _platform(self, domain: str) -> str | None:
        while domain:
            if domain in self.ruleset.mail_platforms:
                return domain
            _, _, domain = domain.partition(".")
        return None

    def _named(self, mail: Mail, sender: str) -> str | None:
        """The service whose name a platform's mail carries."""
        if self._platform(sender) is None:
            return None
        text = f"{mail.from_name}\n{mail.subject}"
        return next((service for pattern, service in self._names if pattern.search(text)), None)

    def _is_named(self, service: str, text: str) -> bool:
        return any(pattern.search(text) for pattern, named in self._names if named == service)

    def _sets(self) -> list[PatternSet]:
        """The patterns of each kind. All kinds in one set would need far more states, and ten times the time."""
        if not self._shared:
            self._shared = [PatternSet(kind.subjects) for kind in self.ruleset.mail_kinds]
        return self._shared

    def _stage(self, service: str, subject: str) -> tuple[str, Stage]:
        if _ANSWER.match(subject):
            return "answer", Stage.CONTACTED
        subject = plain(subject)
        if service not in self._own:
            subjects = self.ruleset[service].mail.subjects
            self._own[service] = PatternSet([regex for _, regex in subjects]), tuple(stage for stage, _ in subjects)
        own, stages = self._own[service]
        if found := own.matching(subject):
            return "own", stages[found[0]]
        for kind, patterns in zip(self.ruleset.mail_kinds, self._sets(), strict=True):
            if patterns.matching(subject):
                return kind.name, kind.stage
        return "other", Stage.SOLICITED


def sender_domain(address: str) -> str:
    """The domain behind an envelope's sender, forwarding by SRS undone; empty where there is none.

    >>> sender_domain("SRS0=HHH=TT=clearview.ai=noreply@forwarder.example")
    'clearview.ai'
    >>> sender_domain("<bounce+u1042=example.org@em1234.Clearview.ai>")
    'em1234.clearview.ai'
    """
    local, at, domain = address.strip().strip("<>").lower().rpartition("@")
    if not at:
        return ""
    for pattern in (_SRS0, _SRS1):
        if found := pattern.match(local):
            return found[1].strip(".")
    return domain.strip(".")


def _author_domain(address: str, *, is_header: bool) -> tuple[str, bool]:
    """The domain of a sender and whether somebody on the way rewrote it.

    Forwarders rewrite envelopes (SRS), mailing lists rewrite headers (``noreply=clearview.ai@lists.example``); in an
    envelope the latter look is VERP, and names the recipient.
    """
    local, at, domain = address.strip().strip("<>").lower().rpartition("@")
    if is_header and at and (found := _REWRITTEN.fullmatch(local)):
        return found[1], True
    unwrapped = sender_domain(address)
    return unwrapped, unwrapped != domain.strip(".")


def _whole_words(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
