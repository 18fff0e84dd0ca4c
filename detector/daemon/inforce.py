"""What is in force: configuration, signatures, policy and staff list, loaded together or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detector import config as configuration
from detector import identity, policy, signatures
from detector.audit.configured import formats_of, read_key, site_of_source
from detector.audit.plan import Site
from detector.errors import UsageError
from detector.formats import Formats
from detector.identity import People
from detector.outward import Channel
from detector.policy import Policy
from detector.signatures import Ruleset
from detector.sinks import channels
from detector.store.custody import Custodians, custodians_of

KEY_NAME = "pseudonym.key"
"""The key of the pseudonyms, beside the configuration, where that names no other."""


@dataclass(frozen=True, slots=True)
class InForce:
    """One whole set; a new one replaces it as a whole.

    Attributes:
        path: the configuration file.
        config: what it says.
        formats: log formats, the site's own too.
        sites: source → what the configuration says about its logs.
        ruleset: what is looked for.
        policy: the organisation's decisions.
        people: the staff list, ``None`` without one.
        key: of the pseudonyms.
        channels: ways out for alerts.
        custodians: to whom names are sealed, ``None``: to nobody.
    """

    path: Path
    config: configuration.Config
    formats: Formats
    sites: Mapping[str, Site]
    ruleset: Ruleset
    policy: Policy
    people: People | None
    key: bytes
    channels: tuple[Channel, ...]
    custodians: Custodians | None

    @property
    def policy_digest(self) -> str:
        """The policy's digest, empty for none."""
        return self.policy.digest


def load(path: Path, signature_paths: Sequence[Path] = ()) -> InForce:
    """Load everything that a configuration names.

    Args:
        path: the configuration file.
        signature_paths: named by the command line; nothing: those of the configuration.

    Raises:
        InvalidFile: every problem of the first file that has any.
        UsageError: a format or the key is not there, a source cannot be followed.
    """
    config = configuration.load(path)
    if not config.sources:
        raise UsageError(f"{path}: names no sources: nothing can be read")
    if any("-" in source.paths for source in config.sources):
        raise UsageError(f"{path}: standard input cannot be followed: name files")
    formats = formats_of(config)
    return InForce(
        path=path,
        config=config,
        formats=formats,
        sites={source.name: site_of_source(source, formats) for source in config.sources},
        ruleset=signatures.load(tuple(signature_paths) or tuple(config.signatures)),
        policy=policy.load(config.policy) if config.policy else policy.EMPTY,
        people=identity.load(config.people) if config.people else None,
        key=read_key(key_path(path, config)),
        channels=tuple(channels(path)),
        custodians=custodians_of(config.privacy.custodians),
    )


def key_path(path: Path, config: configuration.Config) -> Path:
    """Where the key of the pseudonyms lies."""
    return config.privacy.key_file or path.absolute().parent / KEY_NAME


def make_key(path: Path) -> Path | None:
    """Make the key of the pseudonyms where a configuration has none yet; where it was made, ``None`` where it was not.

    Never where a store exists: everybody in it would get another pseudonym.

    Raises:
        UsageError: it cannot be written.
    """
    config = configuration.load(path)
    file, store = key_path(path, config), config.store.removeprefix("sqlite:///")
    if file.exists() or store == config.store or Path(store).exists():
        return None
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as written:
            written.write(f"{secrets.token_hex(32)}\n")
    except OSError as fault:
        raise UsageError(f"{file}: the key of the pseudonyms cannot be made: {fault.strerror}") from None
    return file
