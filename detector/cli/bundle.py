"""``shadowit bundle``: evidence that another party can check, in one signed archive."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector import __version__
from detector.cli import answer as answering
from detector.cli.answer import Answering
from detector.cli.examples import examples
from detector.errors import UsageError
from detector.permissions import others_may_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detector.answers import Answer
    from detector.audit import Input
    from detector.bundle import Facts
    from detector.bundle.manifest import LogFile
    from detector.findings import Attributed
    from detector.match import Actor
    from detector.report.answer import Showing

EXIT_CHANGED = 4
_NOT_MINE = ("output", "output_format", "grant_path", "by")
README = """\
Evidence about {service}, gathered by shadowit {version}.

answer.json, answer.md, answer.html   the answer, with everything that was read and what was not
sightings.jsonl                       every sighting: what, when, by whom, where its line lies
lines.jsonl                           the raw lines (base64), each with path, offset, length and SHA-256
manifest.json, manifest.sig           digests of all members, of the logs, signatures and policy; Ed25519
verify.py                             checks all of it with nothing but Python: python3 verify.py BUNDLE.tar

The same logs, signatures, policy and key give the same bytes: anybody who has the logs can repeat it.
Raw lines are as the devices wrote them: they name people. Treat this file as you treat the logs.
"""


@click.group(epilog=examples("shadowit bundle create clearview-ai /archive --key signing.key -o case-12.tar"))
def command() -> None:
    """Pack evidence into one signed archive, and check one."""


@command.command(short_help="Make a signing key.", epilog=examples("shadowit bundle keygen signing.key"))
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def keygen(path: Path) -> None:
    """Make a signing key in PATH (readable by its owner only); prints the public key, which you give to others."""
    from detector.bundle import key_pair

    secret, public = key_pair(secrets.token_bytes(32))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as fault:
        raise UsageError(f"{path}: no key is written: {fault.strerror}") from None
    with os.fdopen(handle, "w") as file:
        file.write(f"{secret}\n")
    click.echo(public)


@command.command(
    short_help="Pack the evidence about a service into one signed archive.",
    epilog=examples("shadowit bundle create clearview-ai /archive --key signing.key -o case-12.tar"),
)
@click.option("--key", "key_path", type=click.Path(path_type=Path, dir_okay=False), required=True,
              help="The signing key, from `shadowit bundle keygen`.")  # fmt: skip
@click.option("--previous", "previous_path", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="The bundle before this one; it is named, so that an older one cannot pass for new.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The archive.")
def create(service: str, paths: tuple[str, ...], key_path: Path, output: Path, **options: object) -> int:
    """Pack the evidence about SERVICE in logs: the answer, every sighting with its raw line, what was read.

    Takes the options of `shadowit answer`. Exit status 4 where coverage is short, as there.
    """
    return _Bundling(service, paths, options | {"output": output, "output_format": ""}).create(key_path, output)


create.params[:0] = [one for one in answering.command.params if one.name not in _NOT_MINE]


@command.command(epilog=examples("shadowit bundle verify case-12.tar --public-key 3b6a27bc…"))
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--public-key", default="", metavar="HEX", help="The signer's key, as you got it from them.")
def verify(path: Path, public_key: str) -> int:
    """Say what of a bundle was changed since it was signed. Exit status 4 where anything was."""
    from detector.bundle import check
    from detector.report.text import visible

    try:
        checked = check(path.read_bytes(), public_key.strip().lower())
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read: {fault.strerror}") from None
    for fault_text in checked.faults:
        click.echo(f"changed: {visible(fault_text)}")
    if checked.faults:
        return EXIT_CHANGED
    manifest = checked.manifest
    click.echo(f"nothing was changed since it was signed with key {manifest['public_key']}")
    if not public_key:
        click.echo(
            "whose key that is was not checked: compare it with the one you were given, or name it (--public-key)"
        )
    click.echo(f"manifest {checked.sha256}; previous {manifest['previous'] or 'none'}")
    return 0


class _Bundling(Answering):
    """One call of ``bundle create``."""

    def create(self, key_path: Path, output: Path) -> int:
        """Read the logs, pack, sign and write; the exit status."""
        from detector.bundle import seal
        from detector.bundle.checking import LINES
        from detector.cli import evidence

        secret, config_path = _secret(key_path), self.path("config_path")
        signature, showing = self.signature(self.service), self.showing()
        configuration = hashlib.sha256(config_path.read_bytes()).hexdigest() if config_path else ""
        with self.inputs() as inputs:
            found, origin = evidence.of_logs(inputs, self.question_asked())
            answer = self.answered(signature, found, origin)
            facts = self.facts(answer, showing, inputs, configuration)
            members = dict(_members(answer, showing, inputs, found.sightings))
        _write(output, seal(facts, members, secret))
        self.say(f"wrote {output}")
        missing = len({(one.path, one.offset) for one in found.sightings}) - members[LINES].count(b"\n")
        if missing:
            click.echo(f"shadowit: incomplete: {missing} lines are not in it: their logs changed meanwhile", err=True)
        return 0 if answer.is_covered and not missing else EXIT_CHANGED

    def facts(self, answer: Answer, showing: Showing, inputs: Sequence[Input], configuration: str) -> Facts:
        """Under which settings the evidence was found."""
        from detector.bundle import Facts

        return Facts(
            version=__version__,
            ruleset=answer.origin.ruleset,
            policy=answer.policy,
            configuration=configuration,
            service=self.service,
            since=self.text("since"),
            until=self.text("until"),
            sources=tuple(_log_files(inputs)),
            names=showing.names,
            previous=_previous(self.path("previous_path")),
        )


def _members(
    answer: Answer, showing: Showing, inputs: Sequence[Input], sightings: Sequence[Attributed]
) -> Iterator[tuple[str, bytes]]:
    from detector.audit.evidence import raw_lines
    from detector.bundle.checking import LINES
    from detector.bundle.manifest import canonical
    from detector.report.answer import render, shown
    from detector.report.text import encodable

    yield "README.txt", README.format(service=answer.service.name, version=__version__).encode()
    for ending in ("json", "md", "html"):
        yield f"answer.{ending}", render(answer, showing, ending, colour=False, width=120).encode()
    labels = shown(answer, showing).labels
    rows = [_row(one, labels) for one in sightings]
    yield "sightings.jsonl", b"".join(map(canonical, rows))
    lines = {
        (one.path, one.offset): {
            "path": encodable(one.path),
            "offset": one.offset,
            "length": one.length,
            "sha256": one.sha256,
            "raw": base64.b64encode(raw).decode(),
        }
        for one, raw in raw_lines(inputs, sightings)
    }
    yield LINES, b"".join(canonical(row) for _, row in sorted(lines.items()))


def _row(one: Attributed, labels: Mapping[Actor, str]) -> dict[str, object]:
    """A sighting as JSON values, its actor as the answer shows it."""
    from detector.events import to_iso
    from detector.report.text import encodable

    row = one._asdict() | {
        "actor": {"id": encodable(labels.get(one.actor, "")), "kind": one.actor.kind.value},
        "at": None if one.at is None else to_iso(one.at),
        "path": encodable(one.path),
    }
    del row["counterpart"]  # an address of mail: it stands in the raw line
    return row


def _log_files(inputs: Sequence[Input]) -> Iterator[LogFile]:
    from detector.audit.evidence import digest_of
    from detector.bundle.manifest import LogFile
    from detector.report.text import encodable

    for one in sorted(inputs, key=lambda each: each.segment.name):
        size, sha256 = digest_of(one.segment.path)
        log_format = one.log_format.name if one.log_format is not None else ""
        yield LogFile(encodable(one.segment.name), size, sha256, log_format, one.copy_of, one.unread)


def _secret(path: Path) -> str:
    try:
        status, text = path.stat(), path.read_text(encoding="ascii", errors="replace")
    except OSError as fault:
        raise UsageError(f"{path}: the signing key cannot be read: {fault.strerror}") from None
    if others_may_read(status):
        raise UsageError(f"{path}: others may read the signing key: chmod 600 it")
    return text


def _previous(path: Path | None) -> str:
    """The digest of the manifest of the bundle before."""
    from detector.bundle import check

    if path is None:
        return ""
    try:
        checked = check(path.read_bytes())
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read: {fault.strerror}") from None
    if checked.faults:
        raise UsageError(f"{path}: is no unchanged bundle: {checked.faults[0]}")
    return checked.sha256


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, for its owner only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError as fault:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"{path}: cannot be written: {fault.strerror}") from None
