"""Signatures as the rest of the house uses them: frozen, plain, cheap to make from a checked document."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from detector.events import MICROSECONDS, Stage, from_iso

Checked: TypeAlias = Mapping[str, Any]
"""A signature document that the schema has accepted, as plain JSON data (the only place where ``Any`` is allowed)."""

DAY = 86_400 * MICROSECONDS


class IndicatorKind(StrEnum):
    """What an indicator's value is compared with."""

    SUFFIX = "suffix"
    """A domain and everything below it."""
    HOST = "host"
    """Exactly one host."""
    HOST_PATTERN = "host_pattern"
    """Hosts by label: ``*`` stands for any run of characters inside one label."""
    URL = "url"
    """A host (exact or by label pattern) with a path."""


class Attribution(StrEnum):
    """How surely the domains belong to the service alone."""

    DEDICATED = "dedicated"
    VENDOR_PORTFOLIO = "vendor-portfolio"
    HOST_OR_PATH_ONLY = "host-or-path-only"


class Indicator(NamedTuple):
    """One typed value of a signature.

    Attributes:
        id: ``service:kind:value``, unique in a ruleset.
        service: the signature's id.
        kind: what the value is compared with.
        host: lower-case host, suffix or label pattern (A-labels).
        path: lower-case path prefix of a ``url``, else empty.
        query: name of a query parameter that must be present, else empty.
        methods: request methods that count, empty for all.
        min_request_bytes: bytes that the client must have sent, 0 for any.
        stage: what the indicator proves at most.
        confidence: ``high``, ``medium`` or ``low``: how surely the value belongs to the service.
        valid_from: first instant at which it counts, or ``None``.
        valid_until: first instant at which it no longer counts, or ``None``.
        sources: where the value is known from.
    """

    id: str
    service: str
    kind: IndicatorKind
    host: str
    path: str
    query: str
    methods: tuple[str, ...]
    min_request_bytes: int
    stage: Stage
    confidence: str
    valid_from: int | None
    valid_until: int | None
    sources: tuple[str, ...] = ()

    def is_valid_at(self, instant: int | None) -> bool:
        """Whether the indicator counts at an instant; an unknown time counts."""
        if instant is None:
            return True
        return (self.valid_from is None or instant >= self.valid_from) and (
            self.valid_until is None or instant < self.valid_until
        )


class Thresholds(NamedTuple):
    """When traffic whose content is hidden is *probably* more than a visit.

    Attributes:
        used_requests: requests to an opaque host by one actor on one day.
        used_minutes: minutes between an actor's first and last request to an opaque host on one day.
        uploaded_request_bytes: bytes sent in one connection to an opaque host.
        opaque_hosts: hosts of the product itself (not of its public site).
    """

    used_requests: int
    used_minutes: int
    uploaded_request_bytes: int
    opaque_hosts: frozenset[str]


class MailRules(NamedTuple):
    """How a service's mail is recognised.

    Attributes:
        domains: sender domains that are the service's own.
        names: names that make mail from a shared platform the service's.
        subjects: the service's own (stage, pattern) pairs, tried before the shared ones.
    """

    domains: tuple[str, ...]
    names: tuple[str, ...]
    subjects: tuple[tuple[Stage, str], ...]


class OauthRules(NamedTuple):
    """How a service's application is recognised where people grant it rights.

    Attributes:
        names: further names of the application.
        client_ids: at identity providers.
    """

    names: tuple[str, ...] = ()
    client_ids: tuple[str, ...] = ()


class EmbeddedTests(NamedTuple):
    """Cases that stand in the signature file.

    Attributes:
        positive: (host or URL, stage) that must be this service's.
        negative: hosts or URLs that must not be.
        mail: (sender, subject, stage or ``none``) of authenticated incoming mail.
    """

    positive: tuple[tuple[str, str], ...]
    negative: tuple[str, ...]
    mail: tuple[tuple[str, str, str], ...]


class Signature(NamedTuple):
    """One service; ``added`` and ``reviewed`` are ISO dates, events are (date, what, reference)."""

    id: str
    name: str
    vendor: str
    category: str
    status: str
    attribution: Attribution
    description: str
    risk_default: str
    risk_factors: tuple[str, ...]
    vendor_country: str
    data_location: str
    indicators: tuple[Indicator, ...]
    thresholds: Thresholds
    mail: MailRules
    tests: EmbeddedTests
    risk_events: tuple[tuple[str, str, str], ...] = ()
    references: tuple[str, ...] = ()
    added: str = ""
    reviewed: str = ""
    review_every_days: int = 365
    oauth: OauthRules = OauthRules()


_KINDS, _STAGES = {one.value: one for one in IndicatorKind}, {one.value: one for one in Stage}
"""To ask a class for a member takes five times as long, and there are thousands of them."""


def signature_of(checked: Checked) -> Signature:
    """Make a signature of a document that the schema has accepted."""
    risk, evidence, mail = checked["risk"], checked["evidence"], checked["mail"]
    indicators = tuple([_indicator(checked["id"], one) for one in checked["indicators"]])
    suffixes = [one.host for one in indicators if one.kind is IndicatorKind.SUFFIX]
    own = suffixes if checked["attribution"] == Attribution.DEDICATED else []
    senders = [sender["domain"] for sender in mail["senders"]]
    return Signature(
        id=checked["id"],
        name=checked["name"],
        vendor=checked["vendor"],
        category=checked["category"],
        status=checked["status"],
        attribution=Attribution(checked["attribution"]),
        description=checked["description"],
        risk_default=risk["default"],
        risk_factors=tuple(risk["factors"]),
        vendor_country=risk["vendor_country"],
        data_location=risk["data_location"],
        indicators=indicators,
        thresholds=Thresholds(
            used_requests=evidence["used_requests"],
            used_minutes=evidence["used_minutes"],
            uploaded_request_bytes=evidence["uploaded_request_bytes"],
            opaque_hosts=frozenset(evidence["opaque_hosts"]),
        ),
        mail=MailRules(
            domains=tuple(dict.fromkeys((*senders, *own))),
            names=tuple(mail["names"]),
            subjects=tuple([(_STAGES[one["stage"]], one["regex"]) for one in mail["subjects"]]),
        ),
        tests=_tests(checked["tests"]),
        risk_events=tuple([(one["date"], one["what"], one["ref"]) for one in risk["events"]]),
        references=tuple(checked["references"]),
        added=checked["added"],
        reviewed=checked["reviewed"],
        review_every_days=checked["review_every_days"],
        oauth=OauthRules(tuple(checked["oauth"]["names"]), tuple(checked["oauth"]["client_ids"])),
    )


def _tests(checked: Checked) -> EmbeddedTests:
    return EmbeddedTests(
        positive=tuple(map(tuple, checked["positive"])),
        negative=tuple(checked["negative"]),
        mail=tuple(map(tuple, checked["mail"])),
    )


def _indicator(service: str, one: Checked) -> Indicator:
    host, path = one["value"], one.get("path_prefix") or ""
    query, methods = one.get("query_has") or "", one.get("methods") or ()
    value = host + path + (f"?{query}" if query else "")
    return Indicator(
        id=f"{service}:{one['kind']}:{'|'.join(methods)}{' ' if methods else ''}{value}",
        service=service,
        kind=_KINDS[one["kind"]],
        host=host,
        path=path.lower(),
        query=query,
        methods=tuple(methods),
        min_request_bytes=one.get("min_request_bytes") or 0,
        stage=_STAGES[one["stage"]],
        confidence=one["confidence"],
        valid_from=_instant(one["valid_from"]),
        valid_until=_instant(one["valid_until"]),
        sources=tuple(one["sources"]),
    )


def _instant(date: str | None) -> int | None:
    return None if date is None else from_iso(date)
