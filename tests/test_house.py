"""The house itself: short rooms, no shortcuts, and pages that say what the program does."""

import ast
import functools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from detector.cli import root as command_line
from detector.formats import format_names

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "detector").rglob("*.py"))
README = (ROOT / "README.md").read_text()
MAP = (ROOT / "detector" / "README.md").read_text()
TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
).stdout.split("\0")[:-1]  # fmt: skip
MODULE_LINES = 300
FUNCTION_LINES = 50
CATCHES_ALL = {
    "detector/daemon/running.py": "the outermost place of a job: told with its traceback, counted, tried again",
    "detector/daemon/notifier.py": "the thread of a sink: told with its place, tried again",
    "detector/cli/__init__.py": "the outermost place: status 70, with the traceback",
    "detector/sources/opening.py": "a thread: what goes wrong in it is raised in the reader's own",
}
WRITTEN = re.compile(r"<!-- formats:[^\n]*-->\n(.*?)<!-- /formats -->", re.DOTALL)


def named(path):
    return str(path.relative_to(ROOT))


@functools.cache
def parsed(path):
    """(docstring, name and lines of every function, number of ``except`` that catch everything) of a module."""
    tree = ast.parse(path.read_text())
    functions, broad = [], 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append((node.name, node.end_lineno - node.lineno + 1))
        elif isinstance(node, ast.ExceptHandler):
            broad += node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException")
    return ast.get_docstring(tree), functions, broad


@pytest.mark.outside
@pytest.mark.parametrize("path", MODULES, ids=named)
class TestModules:
    def test_is_no_longer_than_a_reader_can_hold(self, path):
        assert len(path.read_text().splitlines()) <= MODULE_LINES

    def test_functions_are_short(self, path):
        assert [name for name, lines in parsed(path)[1] if lines > FUNCTION_LINES] == []

    def test_says_what_it_is_for(self, path):
        assert parsed(path)[0]

    def test_catches_only_what_it_expects(self, path):
        assert parsed(path)[2] == (named(path) in CATCHES_ALL)

    def test_nothing_is_left_for_later(self, path):
        assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", path.read_text())


def readable(name):
    path = ROOT / name
    return path.suffix in (".py", ".md", ".toml", ".yml", ".yaml", ".in", ".txt", ".sh") or path.name == "Makefile"


def test_no_path_of_a_developers_machine_stands_in_a_file():
    machine = re.compile(r"/(?:home|Users)/[a-z][\w.-]*/|/root/(?!\.)|" + re.escape(f"{ROOT}/"))
    mine = named(Path(__file__))
    found = [
        f"{name}: {match[0]}"
        for name in TRACKED
        if readable(name) and name != mine and not name.startswith(("sample_logs/", "tests/"))
        for match in [machine.search((ROOT / name).read_text())]
        if match
    ]
    assert found == []


def blocks(text, language="sh"):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def called(text):
    """Every call of the program in the code of a page, as words."""
    calls = []
    for line in "\n".join(blocks(text)).replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        for start, word in enumerate(words):
            if word in ("shadowit", ".venv/bin/shadowit"):
                rest = words[start + 1 :]
                end = next(
                    (at for at, one in enumerate(rest) if one in ("|", ">", "<", "&", "&&", ";", "||")), len(rest)
                )
                calls.append(tuple(rest[:end]))
    return calls


CALLS = [call for call in called(README) if call]


def validate(arguments):
    """Let click read a call without running it."""
    context = command_line.make_context("shadowit", list(arguments), resilient_parsing=False)
    command, words = command_line, [*context._protected_args, *context.args]  # noqa: SLF001 - click shows them nowhere else
    while isinstance(command, click.Group) and words:
        _, command, words = command.resolve_command(context, words)
        context = command.make_context(command.name, words, parent=context)
        if isinstance(command, click.Group):
            words = [*context._protected_args, *context.args]  # noqa: SLF001 - as above


class TestReadme:
    def test_it_shows_calls(self):
        assert len(CALLS) > 10

    @pytest.mark.parametrize("call", CALLS, ids=" ".join)
    def test_every_call_in_it_is_one_that_the_program_takes(self, call):
        validate(call)

    def test_a_call_that_the_program_does_not_take_is_noticed(self):
        for call in (("audit", "--nope"), ("adit",), ("signatures", "lst"), ("schema", "x")):
            with pytest.raises(click.UsageError):
                validate(call)

    def test_every_command_is_named(self):
        for command in command_line.list_commands(click.Context(command_line)):
            assert re.search(rf"\b(shadowit )?{command}\b", "\n".join(blocks(README))), command

    def test_every_exit_status_is_named(self):
        rows = set(re.findall(r"^\| (\d+) \| ", README, re.MULTILINE))
        told = set(
            re.findall(
                r"(\d+) (?:ran|findings|wrong|invalid|incomplete|sink|a bug|interrupted|closed)",
                " ".join(command_line.help.split()),
            )
        )
        assert rows == told == {"0", "1", "2", "3", "4", "5", "70", "130", "141"}

    def test_every_format_stands_in_its_table(self, accept):
        """``pytest tests/test_house.py --accept`` writes the table anew."""
        made = subprocess.run(
            [sys.executable, "-m", "detector", "formats", "-f", "md"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        if accept:
            text = WRITTEN.sub(lambda found: found[0].replace(found[1], f"\n{made}\n"), README)
            (ROOT / "README.md").write_text(text)
            return
        (table,) = WRITTEN.findall(README)
        assert table.strip() == made.strip()
        assert all(f"| `{name}` |" in table for name in format_names())

    def test_its_configuration_is_sound(self, tmp_path):
        from detector.config import load  # noqa: PLC0415 - pydantic

        for number, block in enumerate(blocks(README, "yaml")):
            path = tmp_path / f"{number}.yml"
            path.write_text(block)
            load(path)

    @pytest.mark.parametrize("page", ["README.md", "detector/README.md"])
    def test_what_it_links_to_is_there(self, page):
        text = (ROOT / page).read_text()
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
            assert (ROOT / page).parent.joinpath(link).exists(), link


def rooms():
    folder = ROOT / "detector"
    for path in sorted(folder.iterdir()):
        if path.is_dir() and any(path.glob("*.py")):
            yield f"{path.name}/"
        elif path.suffix == ".py" and path.name != "__init__.py":
            yield path.name


@pytest.mark.parametrize("room", list(rooms()))
def test_every_room_stands_on_the_map(room):
    assert f"`{room}`" in MAP


def test_every_room_on_the_map_is_there():
    for room in re.findall(r"^\| (?:\d [a-z ]+)?\| `([^`]+)`", MAP, re.MULTILINE):
        assert (ROOT / "detector" / room).exists(), room


def test_the_samples_of_every_format_are_packed_with_the_source():
    settings = (ROOT / "pyproject.toml").read_text()
    included = json.loads(re.search(r"^include = (\[.*\])$", settings, re.MULTILINE)[1])
    assert {"detector", "signatures", "sample_logs", "tests", "README.md"} <= set(included)
