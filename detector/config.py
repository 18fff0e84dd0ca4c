"""One YAML file → frozen configuration; an unknown key is a fault with file:line:col and the nearest good key."""

from __future__ import annotations

import re
from collections import Counter
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.functional_validators import AfterValidator

from detector import documents
from detector.errors import InvalidFile

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise ValueError(f"{name!r} is no time zone: write one like America/Edmonton or UTC") from None
    return name


def _store_url(url: str) -> str:
    if not re.match(r"sqlite:///.|postgresql(\+\w+)?://.", url):
        raise ValueError(f"{url!r} is no store: write sqlite:///shadowit.db or postgresql://…")
    return url


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if text and not (colon and host and port.isdecimal() and int(port) < 1 << 16):
        raise ValueError(f"{text!r} is no address: write one like 127.0.0.1:9847 or [::1]:9847")
    return text


def _of_distinct_names(sources: list[Source]) -> list[Source]:
    twice = [name for name, count in Counter(source.name for source in sources).items() if count > 1]
    if twice:
        raise ValueError(f"several sources are called {twice[0]!r}: what was read is kept by name")
    return sources


def _typed(sink: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if not isinstance(sink.get("type"), str):
        raise ValueError("a sink needs a type, such as {type: jsonl, path: alerts.jsonl}")  # noqa: TRY004 - as pydantic wants it
    return sink


def _two_or_none(custodians: list[Path]) -> list[Path]:
    if len(set(custodians)) not in (0, 2):
        raise ValueError("identities are sealed to two custodians together: name two files, or none")
    return custodians


Zone = Annotated[str, AfterValidator(_zone)]
Seconds = Annotated[int, Field(ge=1)]
Days = Annotated[int, Field(ge=1)]
OneOrMore = list[str] | str
SinkEntry = Annotated[dict[str, JsonValue], AfterValidator(_typed)]


class Source(_Part):
    """Logs of one device.

    Attributes:
        name: of the source, in reports.
        format: a log format's name, or one of the site's own ``formats``; empty: told by content.
        paths: files, folders, globs.
        timezone: of stamps that carry none.
        date_order: ``dmy``, ``mdy`` or ``ymd`` where the device's locale decides.
        max_silence_s: silence that counts as a gap.
        interval_s: how often it is read, where that is not the configuration's ``interval_s``.
        options: of the format, such as squid's ``logformat``.
    """

    name: str
    format: str = ""
    paths: Annotated[list[str], Field(min_length=1)]
    timezone: Zone = "UTC"
    date_order: Literal["", "dmy", "mdy", "ymd"] = ""
    max_silence_s: Seconds = 86_400
    interval_s: Seconds | None = None
    options: dict[str, str] = {}


class Feed(_Part):
    """A log format that a site defines itself: a map from event columns to the feed's own.

    Attributes:
        kind: what the log watches.
        syntax: how its lines are written.
        columns: of ``csv`` without a header line, in order.
        delimiter: of ``csv``.
        quote: around cells of ``csv`` that hold the delimiter; empty for none.
        pair_separator: of ``kv``.
        value_separator: of ``kv``.
        fields: event column (``source.ip``) → the feed's name for it, or several of which the first present counts.
        time: ``iso``, ``epoch``, ``clf``, ``syslog`` or a ``strptime`` pattern.
        denied: feed column → values that mean "refused".
        challenge: feed column → values that mean "asked for a login".
        constants: event column → a value that every line has.
    """

    kind: Literal["proxy", "dns", "mail"]
    syntax: Literal["csv", "kv", "ndjson"]
    columns: list[str] = []
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    pair_separator: str = " "
    value_separator: str = "="
    fields: Annotated[dict[str, OneOrMore], Field(min_length=1)]
    time: str = "iso"
    denied: dict[str, OneOrMore] = {}
    challenge: dict[str, OneOrMore] = {}
    constants: dict[str, str] = {}


class Privacy(_Part):
    """What may be shown.

    Attributes:
        names: show actors by name in the output of the audit; alerts hold names only where it says so in the file.
        key_file: file with the key of the pseudonyms (at least 16 bytes, readable by its owner only).
        k: groups of fewer people are shown as "fewer than k".
        custodians: files with the public keys of those who must open identities together: two, or none.
    """

    names: bool = True
    key_file: Path | None = None
    k: Annotated[int, Field(ge=1)] = 5
    custodians: Annotated[list[Path], AfterValidator(_two_or_none)] = []


class Retention(_Part):
    """How long the store keeps what.

    Attributes:
        sightings_days: sightings, with their evidence and sealed identities.
        aggregates_days: coverage, counts, alerts and the log of reveals.
    """

    sightings_days: Days = 730
    aggregates_days: Days = 1095


class Canary(_Part):
    """Planted look-ups: a timer on a monitored client asks for ``<id>.<domain>`` again and again.

    Attributes:
        domain: such as ``canary.example.org``; empty: none are planted.
        within_s: each proxy and DNS source must show one that often.
    """

    domain: str = ""
    within_s: Seconds = 3600


class Config(_Part):
    """The whole configuration.

    Attributes:
        store: URL of the daemon's store; the path of an SQLite file is relative to this file.
        signatures: folders or files; empty: the catalogue that comes with the program.
        policy: the organisation's decisions; nothing: every finding is unreviewed.
        interval_s: how often the daemon reads the sources.
        listen: address of the daemon's web listener; empty: none.
        web_config_file: TLS and basic auth of the listener, in Prometheus' format.
        sources: logs; an audit reads them when it is given no paths, and takes a path's settings from them.
        formats: the site's own log formats by name.
        people: the staff list.
        sinks: ways out for alerts, each with its ``type``; paths (``path``, ``…_file``) are relative to this file.
        privacy: what may be shown.
        retention: how long the store keeps what.
        canary: planted look-ups.
        own_domains: the organisation's own, which discovery leaves out.
    """

    store: Annotated[str, AfterValidator(_store_url)] = "sqlite:///shadowit.db"
    signatures: list[Path] = []
    policy: Path | None = None
    interval_s: Seconds = 60
    listen: Annotated[str, AfterValidator(_address)] = "127.0.0.1:9847"
    web_config_file: Path | None = None
    sources: Annotated[list[Source], AfterValidator(_of_distinct_names)] = []
    formats: dict[str, Feed] = {}
    people: Path | None = None
    sinks: list[SinkEntry] = []
    privacy: Privacy = Privacy()
    retention: Retention = Retention()
    canary: Canary = Canary()
    own_domains: list[str] = []


def load(path: Path) -> Config:
    """Load a configuration; relative paths in it are relative to its folder.

    Raises:
        InvalidFile: every problem, with ``file:line:col``.
    """
    document = documents.read(path)
    if document.problems:
        raise InvalidFile(document.problems)
    try:
        config = Config.model_validate({} if document.data is None else document.data)
    except ValidationError as fault:
        problems = [
            document.problem(error["loc"], _sentence(error["loc"], error["type"], error["msg"]))
            for error in fault.errors()
        ]
        raise InvalidFile(problems) from None
    return _absolute(config, path.parent)


def _sentence(location: Sequence[str | int], kind: str, message: str) -> str:
    name = ".".join(str(step) for step in location) or "the file"
    if kind != "extra_forbidden":
        return f"{name}: {message.removeprefix('Value error, ')}"
    near = get_close_matches(str(location[-1]), _keys(), n=1)
    return f"{name}: no such key" + (f"; did you mean {near[0]!r}?" if near else "")


def _keys() -> list[str]:
    models = (Config, Source, Feed, Privacy, Retention, Canary)
    return sorted({key for model in models for key in model.model_fields})


def _absolute(config: Config, folder: Path) -> Config:
    sources = [
        source.model_copy(update={"paths": [name if name == "-" else str(folder / name) for name in source.paths]})
        for source in config.sources
    ]
    privacy = config.privacy.model_copy(
        update={
            "key_file": config.privacy.key_file and folder / config.privacy.key_file,
            "custodians": [folder / name for name in config.privacy.custodians],
        }
    )
    single = ("policy", "web_config_file", "people")
    return config.model_copy(
        update={
            "store": _beside(folder, config.store),
            "signatures": [folder / name for name in config.signatures],
            "sources": sources,
            "sinks": [_sink_beside(folder, sink) for sink in config.sinks],
            "privacy": privacy,
            **{name: folder / value for name in single if (value := getattr(config, name)) is not None},
        }
    )


def _beside(folder: Path, url: str) -> str:
    scheme, slashes, name = url.partition(":///")
    return f"{scheme}{slashes}{folder.absolute() / name}" if scheme == "sqlite" else url


def _sink_beside(folder: Path, sink: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        key: str(folder / value) if (key == "path" or key.endswith("_file")) and isinstance(value, str) else value
        for key, value in sink.items()
    }
