"""The signature file format, version 1: what a YAML file in ``signatures/`` may hold.

``shadowit schema signature`` prints it as JSON Schema.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

import idna
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.functional_validators import AfterValidator

from detector.events import Stage
from detector.signatures.model import Attribution

if TYPE_CHECKING:
    from collections.abc import Mapping

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")
_WORD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_PATTERN_LABEL = re.compile(r"[a-z0-9_*-]{1,63}")


class Strict(BaseModel):
    """A frozen part of a file in which an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _host(value: str) -> str:
    if not value.isascii():
        value = idna.encode(value).decode()
    if not _HOST.fullmatch(value):
        raise ValueError("must be a lower-case host name such as app.example.com, without scheme, port or final dot")
    return value


def _host_pattern(value: str) -> str:
    labels = value.split(".")
    if len(labels) < 3 or not all(_PATTERN_LABEL.fullmatch(label) for label in labels):
        raise ValueError("must be at least three lower-case labels in which * stands for any run of characters")
    if "*" in labels[-1] or "*" in labels[-2]:
        raise ValueError("the last two labels must be fixed")
    if len(max(re.split(r"[*]", value), key=len).strip(".")) < 5:
        raise ValueError("must hold a fixed run of at least five characters")
    return value


def _host_or_pattern(value: str) -> str:
    return _host_pattern(value) if "*" in value else _host(value)


def _path(value: str) -> str:
    if not value.startswith("/") or "?" in value or "#" in value:
        raise ValueError("must start with / and hold no query")
    return value


def _regex(value: str) -> str:
    from detector.signatures.patterns import fault_of  # noqa: PLC0415 - slow to load, and rarely needed

    if unknown := _WORD.search(value):
        raise ValueError(f"names the word {unknown[0]}, which is not written under words above it")
    if fault := fault_of(value):
        raise ValueError(fault)
    return value


Host = Annotated[str, AfterValidator(_host)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=64)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Confidence = Literal["high", "medium", "low"]


class _Indicator(Strict):
    stage: Stage = Stage.VISITED
    confidence: Confidence = "high"
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None
    sources: Annotated[list[Text], Field(min_length=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise ValueError("valid_until must be after valid_from")
        return self


class SuffixIndicator(_Indicator):
    """A domain that belongs to the service with everything below it."""

    kind: Literal["suffix"]
    value: Host


class HostIndicator(_Indicator):
    """Exactly one host."""

    kind: Literal["host"]
    value: Host


class HostPatternIndicator(_Indicator):
    """Hosts by label: ``rekognition.*.amazonaws.com``; ``*`` never crosses a dot."""

    kind: Literal["host_pattern"]
    value: Annotated[str, AfterValidator(_host_pattern)]


class UrlIndicator(_Indicator):
    """A host (exact or pattern) and a path prefix, which ends at a segment's border."""

    kind: Literal["url"]
    value: Annotated[str, AfterValidator(_host_or_pattern)]
    path_prefix: Annotated[str, AfterValidator(_path)]
    query_has: Text | None = None
    methods: list[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT"]] = []
    min_request_bytes: Annotated[int, Field(ge=0)] = 0


Indicator = Annotated[
    SuffixIndicator | HostIndicator | HostPatternIndicator | UrlIndicator, Field(discriminator="kind")
]


class RiskEvent(Strict):
    """Something that happened to the service or its data."""

    date: dt.date
    what: Text
    ref: Text


class Risk(Strict):
    """Public facts that a reviewer weighs; an organisation's decision belongs into its policy."""

    default: Literal["prohibited", "restricted", "review", "allowed"] = "review"
    factors: list[Slug] = []
    vendor_country: str = ""
    data_location: str = ""
    events: list[RiskEvent] = []


class Evidence(Strict):
    """When traffic whose content is hidden is probably more than a visit."""

    used_requests: Annotated[int, Field(ge=1)] = 5
    used_minutes: Annotated[int, Field(ge=1)] = 10
    uploaded_request_bytes: Annotated[int, Field(ge=1)] = 30_000
    opaque_hosts: list[Host] = []


class Sender(Strict):
    """A domain that sends the service's own mail."""

    domain: Host
    sources: Annotated[list[Text], Field(min_length=1)]


class Subject(Strict):
    """A subject line of the service's own mail and the stage that it proves."""

    stage: Stage
    regex: Annotated[str, AfterValidator(_regex)]


class Mail(Strict):
    """How the service's mail is recognised; a dedicated service's suffixes are sender domains anyway."""

    senders: list[Sender] = []
    names: list[Annotated[str, StringConstraints(min_length=3)]] = []
    subjects: list[Subject] = []


class Oauth(Strict):
    """Applications that people let act for them: names beside the service's own, ids at identity providers."""

    names: list[Annotated[str, StringConstraints(min_length=3)]] = []
    client_ids: list[Annotated[str, StringConstraints(pattern=r"[A-Za-z0-9]{4}")]] = []


class Tests(Strict):
    """Cases that run against the whole catalogue.

    ``positive`` are [host or URL, stage]; ``negative`` are hosts or URLs of no service; ``mail`` are
    [sender, subject, stage] of authenticated incoming mail, stage ``none`` where nothing may be sighted.
    """

    positive: Annotated[list[tuple[Text, Stage]], Field(min_length=2)]
    negative: Annotated[list[Text], Field(min_length=3)]
    mail: list[tuple[Text, str, Stage | Literal["none"]]] = []


_RISK, _EVIDENCE, _MAIL, _OAUTH = Risk(), Evidence(), Mail(), Oauth()
"""Frozen, so that every file may have the same: as plain defaults pydantic would copy them deeply for each."""


class SignatureFile(Strict):
    """One service: ``signatures/<category>/<id>.yaml``."""

    schema_version: Literal["1"]
    id: Slug
    name: Text
    vendor: Text
    category: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(?:/[a-z0-9-]+)?$")]
    status: Literal["active", "legacy", "defunct", "reassigned"] = "active"
    attribution: Attribution
    description: Text
    replaces: list[Slug] = []
    risk: Risk = Field(default_factory=lambda: _RISK)
    indicators: Annotated[list[Indicator], Field(min_length=1)]
    evidence: Evidence = Field(default_factory=lambda: _EVIDENCE)
    mail: Mail = Field(default_factory=lambda: _MAIL)
    oauth: Oauth = Field(default_factory=lambda: _OAUTH)
    references: list[Text] = []
    added: dt.date
    reviewed: dt.date
    review_every_days: Annotated[int, Field(ge=1)] = 365
    tests: Tests

    @model_validator(mode="after")
    def _attributed(self) -> Self:
        kinds = {indicator.kind for indicator in self.indicators}
        if self.attribution is Attribution.HOST_OR_PATH_ONLY and "suffix" in kinds:
            raise ValueError("attribution host-or-path-only may not hold a suffix: name hosts or paths")
        return self

    @model_validator(mode="after")
    def _ended(self) -> Self:
        if self.status == "defunct" and any(indicator.valid_until is None for indicator in self.indicators):
            raise ValueError("a defunct service needs valid_until on every indicator")
        return self


class SharedHostsFile(Strict):
    """``shared_hosts.yml``: suffixes that many services share, and proxies that stand in front of any site.

    Attributes:
        shared: suffixes that may never be a suffix indicator.
        session_proxies: suffixes behind which the real host stands in front: ``app.example.com.mcas.ms``.
        translators: suffixes behind which the real host stands with dots as hyphens: ``example-com.translate.goog``.
    """

    schema_version: Literal["1"]
    shared: list[Host]
    session_proxies: list[Host]
    translators: list[Host]


def _spelled(text: str, words: Mapping[str, str]) -> str:
    """A pattern with the words written out that it names; an unknown one is left."""
    return _WORD.sub(lambda named: words.get(named[1], named[0]), text)


def _all_spelled(data: object, words: Mapping[str, str]) -> object:
    match data:
        case str():
            return _spelled(data, words)
        case list():
            return [_all_spelled(one, words) for one in data]
        case dict():
            return {key: _all_spelled(one, words) for key, one in data.items()}
    return data


class StagePattern(Strict):
    """Subject lines that prove one stage, whoever sends them."""

    kind: Slug
    stage: Stage
    subjects: Annotated[list[Annotated[str, AfterValidator(_regex)]], Field(min_length=1)]


class MailStagesFile(Strict):
    """``mail_stages.yml``: the shared vocabulary of subject lines, first match wins, and shared mail platforms.

    Attributes:
        words: parts of patterns by name; a pattern, or a word below, holds one as ``{name}``.
    """

    schema_version: Literal["1"]
    platforms: list[Host]
    words: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], str] = {}
    kinds: list[StagePattern]

    @model_validator(mode="before")
    @classmethod
    def _write_out(cls, data: object) -> object:
        """Put the words where patterns name them."""
        if not isinstance(data, dict) or not isinstance(words := data.get("words"), dict):
            return data
        known: dict[str, str] = {}
        for name, word in words.items():
            known[name] = _spelled(str(word), known)
        return {**data, "words": known, "kinds": _all_spelled(data.get("kinds"), known)}
