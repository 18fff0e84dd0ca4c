"""The command line: one file per command, imported only when it is called; this file only finds and runs them."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

import click

from detector.cli.examples import examples
from detector.errors import InvalidFile, ShadowitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.ahead import Begun

_COMMANDS = {
    "run": "The daemon: read logs as they grow, keep what is found, send alerts.",
    "audit": "Find uses of and sign-ups for catalogued services in logs.",
    "spread": "Show who brought whom to a service.",
    "answer": "Answer whether a service was used, with what the answer stands on.",
    "bundle": "Pack evidence into one signed archive, and check one.",
    "discover": "List services that no signature names: new, rare, ranked.",
    "parse": "Print the events of logs as JSON lines.",
    "lookup": "Tell which service a host, URL or address belongs to.",
    "explain": "Show step by step what becomes of one line.",
    "identify": "Tell the format of logs, and how surely.",
    "formats": "List the log formats.",
    "signatures": "List, check and test signatures.",
    "notify": "Send a test alert to a sink.",
    "check": "Check a configuration, a policy or signatures.",
    "status": "Show per source what was read and what was not.",
    "findings": "List, show, acknowledge and close what the daemon found.",
    "reveal": "Open the names behind pseudonyms, with both custodians' keys.",
    "store": "Check, copy and purge the store; place legal holds.",
    "orders": "Tell who followed orders to cease use.",
    "approvals": "Tell what lies within approvals, and which are used.",
    "register": "Write the register of technologies.",
    "schema": "Print a JSON Schema.",
    "selftest": "Try every part of this installation.",
}
_MODULES = {"run": "running"}
"""Where a command does not stand in a file of its name: ``run`` is the function below."""
EXIT_UNWRITTEN = 5
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""A full disk is no fault of the program."""


class _Commands(click.Group):
    """Commands by name; each is a module here whose ``command`` is the click command."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"detector.cli.{_MODULES.get(name, name)}").command
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            context.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(context, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("shadowit audit /var/log/squid '/archive/dns/*.gz' mail.log"),
)
@click.version_option(package_name="shadowit-detector", prog_name="shadowit", message="%(prog)s %(version)s")
def root() -> None:
    """Find out who used or signed up for an unapproved service, since when and how often, from logs.

    Data goes to standard output; progress, notes and errors go to standard error.

    Exit status: 0 ran to the end, 1 findings at --fail-on, 2 wrong usage, 3 invalid configuration or signature,
    4 incomplete evidence (outranks 1), 5 sink, store or output failed, 70 a bug, 130 interrupted, 141 closed pipe.
    """


def run(arguments: Sequence[str], begun: Begun | None = None) -> int:
    """Run the command line and give the exit status.

    Args:
        arguments: without the program's name.
        begun: a log that is being decompressed already.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _write_whole()
    as_json = _wants_json(arguments)
    try:
        result = root.main(list(arguments), prog_name="shadowit", standalone_mode=False, obj=begun)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        return _end(EXIT_INTERRUPTED, "interrupted", as_json=as_json)
    except click.ClickException as fault:
        if not as_json:
            fault.show()
            return fault.exit_code
        return _end(fault.exit_code, fault.format_message(), as_json=True)
    except InvalidFile as fault:
        return _end(fault.exit_status, *map(str, fault.problems), as_json=as_json)
    except ShadowitError as fault:
        return _end(fault.exit_status, str(fault), as_json=as_json)
    except KeyboardInterrupt:
        return _end(EXIT_INTERRUPTED, "interrupted", as_json=as_json)
    except BrokenPipeError:
        _drop_output()
        return EXIT_PIPE
    except Exception as fault:  # noqa: BLE001 - the outermost place: what nobody expected is told
        return _unexpected(fault, as_json=as_json)
    return result if isinstance(result, int) else 0


def _unexpected(fault: Exception, *, as_json: bool) -> int:
    """Say what nobody expected: a full disk, or a bug with its traceback."""
    if isinstance(fault, OSError) and fault.errno in _NO_ROOM:
        _drop_output()
        return _end(EXIT_UNWRITTEN, f"{fault.filename or 'output'}: {fault.strerror}", as_json=as_json)
    trace = traceback.format_exception(fault)
    message = f"this is a bug in shadowit: {type(fault).__name__}: {fault}"
    return _end(EXIT_BUG, *"".join(trace).splitlines(), message, as_json=as_json)


def _write_whole() -> None:
    """Put a buffer in front of an unbuffered standard output (``PYTHONUNBUFFERED``, as containers set it).

    Without one, of what a stopped and continued program writes into a pipe only a part may arrive, and nobody is told.
    """
    ours = sys.__stdout__
    if ours is not None and sys.stdout is ours and isinstance(raw := ours.buffer, io.RawIOBase):
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding=ours.encoding, errors=ours.errors, line_buffering=True
        )


def _drop_output() -> None:
    """What is still held for standard output goes nowhere: nobody takes it."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _wants_json(arguments: Sequence[str]) -> bool:
    pairs = zip(arguments, [*arguments[1:], ""], strict=False)
    return any(
        (one in ("-f", "--format") and other.startswith("json")) or one.startswith(("--format=json", "-fjson"))
        for one, other in pairs
    )


def _end(status: int, *messages: str, as_json: bool) -> int:
    """Say why the run ended: one line each, or one JSON object where the output is JSON."""
    from detector.report.text import visible

    if as_json:
        import orjson

        error = {"error": {"exit": status, "messages": list(messages)}}
        click.echo(orjson.dumps(error).decode(), err=True)
    else:
        for message in messages:
            click.echo(f"shadowit: {visible(message)}", err=True)
    return status
