"""``shadowit lookup``: which service a host, URL, address or mail belongs to."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from detector.cli.examples import examples
from detector.cli.options import load_ruleset, with_signatures
from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.signatures import Ruleset

_NOTHING = dict.fromkeys(("service", "category", "indicator", "stage", "tier"))


@click.command(
    epilog=examples(
        "shadowit lookup app.clearview.ai https://pimeyes.com/api/upload/file noreply@clearview.ai",
        "cut -f1 hosts.txt | shadowit lookup -",
        "shadowit lookup --mail - < mails.jsonl",
    )
)
@click.argument("values", nargs=-1, metavar="[VALUE...|-]")
@with_signatures
@click.option(
    "--mail", "as_mail", is_flag=True,
    help="Values are mails: JSON objects with direction, header_from, envelope_from, dkim_d and subject.",
)  # fmt: skip
def command(values: tuple[str, ...], signature_paths: tuple[Path, ...], as_mail: bool) -> int:
    """Print one JSON object for each VALUE (or each line of standard input): its service, or null.

    A VALUE is a host, a URL, host:port or a mail address. The stage is what the value would prove if a log showed it
    as an allowed request; mail that is not authenticated proves nothing.
    """
    ruleset = load_ruleset(signature_paths, None)
    answer = _mail_answers if as_mail else _answers
    for row in answer(_each(values), ruleset):
        sys.stdout.buffer.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
    return 0


def _each(values: tuple[str, ...]) -> Iterator[str]:
    if not values and sys.stdin.isatty():
        raise UsageError("nothing to look up: name a host, a URL or an address, or - for standard input")
    for value in values or ("-",):
        if value != "-":
            yield value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            continue
        for raw in sys.stdin.buffer:
            line = raw.decode("utf-8", "backslashreplace").strip()
            if line:
                yield line


def _answers(values: Iterable[str], ruleset: Ruleset) -> Iterator[dict[str, str | None]]:
    from detector.match.lookup import Lookup

    lookup = Lookup(ruleset)
    for value in values:
        found = lookup.of(value)
        yield {"input": value, **(found._asdict() if found else _NOTHING)}


def _mail_answers(values: Iterable[str], ruleset: Ruleset) -> Iterator[dict[str, str | None]]:
    from detector.match import Mail, MailIndex

    index = MailIndex(ruleset)
    for number, value in enumerate(values, start=1):
        try:
            said = orjson.loads(value)
        except orjson.JSONDecodeError as fault:
            raise UsageError(f"mail {number} is not a JSON object: {fault}") from None
        if not isinstance(said, dict):
            raise UsageError(f"mail {number} is not a JSON object")
        mail = Mail(
            direction=_text(said.get("direction")).lower(),
            header_from=_address(_text(said.get("header_from"))),
            from_name=_text(said.get("from_name")) or _name(_text(said.get("header_from"))),
            envelope_from=_address(_text(said.get("envelope_from"))),
            dkim_domain=_text(said.get("dkim_d")),
            subject=_text(said.get("subject")),
        )
        proof = index.prove(mail, strict=True)
        yield {"service": proof.service if proof else None, "stage": proof.stage.value if proof else None}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _address(text: str) -> str:
    from detector.grammars.mail import address

    return address(text) or ""


def _name(text: str) -> str:
    from detector.grammars.mail import display_name

    return display_name(text) or ""
