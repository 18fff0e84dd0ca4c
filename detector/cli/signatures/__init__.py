"""``shadowit signatures``: what is looked for; one file per kind of command, imported only when one is called."""

from __future__ import annotations

from importlib import import_module

import click

from detector.cli.examples import examples
from detector.cli.signatures.checking import check

__all__ = ["check", "command"]

_COMMANDS = {
    "list": ("listing", "List the services that are looked for."),
    "show": ("listing", "Show one service with all its indicators."),
    "stats": ("listing", "Count services and indicators."),
    "check": ("checking", "Check signatures against the schema, against each other and for doubts."),
    "test": ("checking", "Run the tests that stand in the signatures."),
    "diff": ("listing", "Tell what changed from one folder of signatures to another."),
    "export": ("exchange", "Write signatures in the format of another program."),
    "import": ("exchange", "Make signature files of another program's file."),
}


class _Commands(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{_COMMANDS[name][0]}"), f"{name}_command")
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in _COMMANDS.items()])


@click.group(cls=_Commands, epilog=examples("shadowit signatures show clearview-ai"))
def command() -> None:
    """List, show, check, compare and exchange signatures.

    PATH is a folder or file of signatures; without one, the catalogue that comes with shadowit.
    """
