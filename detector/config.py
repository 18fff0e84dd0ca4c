"""One YAML file → frozen configuration; an unknown key is a fault with file:line:col and the nearest good key."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError
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


Zone = Annotated[str, AfterValidator(_zone)]
Seconds = Annotated[int, Field(ge=1)]
OneOrMore = list[str] | str


class Source(_Part):
    """Logs of one device.

    Attributes:
        name: of the source, in reports.
        format: a log format's name, or one of the site's own ``formats``; empty: told by content.
        paths: files, folders, globs.
        timezone: of stamps that carry none.
        date_order: ``dmy``, ``mdy`` or ``ymd`` where the device's locale decides.
        max_silence_s: silence that counts as a gap.
        options: of the format, such as squid's ``logformat``.
    """

    name: str
    format: str = ""
    paths: Annotated[list[str], Field(min_length=1)]
    timezone: Zone = "UTC"
    date_order: Literal["", "dmy", "mdy", "ymd"] = ""
    max_silence_s: Seconds = 86_400
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
        names: show actors by name in the output of the audit.
        key_file: file with the key of the pseudonyms (at least 16 bytes, readable by its owner only).
    """

    names: bool = True
    key_file: Path | None = None


class Config(_Part):
    """The whole configuration.

    Attributes:
        signatures: folders or files; empty: the catalogue that comes with the program.
        sources: logs; an audit reads them when it is given no paths, and takes a path's settings from them.
        formats: the site's own log formats by name.
        privacy: what may be shown.
        own_domains: the organisation's own, which discovery leaves out.
    """

    signatures: list[Path] = []
    sources: list[Source] = []
    formats: dict[str, Feed] = {}
    privacy: Privacy = Privacy()
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
    return sorted({key for model in (Config, Source, Feed, Privacy) for key in model.model_fields})


def _absolute(config: Config, folder: Path) -> Config:
    sources = [
        source.model_copy(update={"paths": [name if name == "-" else str(folder / name) for name in source.paths]})
        for source in config.sources
    ]
    key_file = config.privacy.key_file and folder / config.privacy.key_file
    return config.model_copy(
        update={
            "signatures": [folder / name for name in config.signatures],
            "sources": sources,
            "privacy": config.privacy.model_copy(update={"key_file": key_file}),
        }
    )
