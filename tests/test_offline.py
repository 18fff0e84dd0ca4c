"""Nothing reaches for the network: an audit without one gives the same report."""

import os
import shutil
import subprocess
import sys

import pytest

LOGS = "sample_logs/stories/opp/logs"


def without_network():
    """Why a namespace without a network cannot be made here, empty where it can."""
    if shutil.which("unshare") is None:
        return "there is no unshare"
    tried = subprocess.run(["unshare", "-rn", "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() if tried.returncode else ""


REASON = without_network()


def audit(root, folder, *before):
    command = [*before, sys.executable, "-m", "detector", "audit", LOGS, "-f", "json", "--jobs", "2"]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder)}
    return subprocess.run(command, cwd=root, capture_output=True, check=False, env=environment, timeout=120)


@pytest.mark.outside
@pytest.mark.skipif(bool(REASON), reason=f"no namespace without a network: {REASON}")
class TestWithoutNetwork:
    def test_the_audit_of_the_samples_is_the_same(self, root, tmp_path):
        offline = audit(root, tmp_path / "empty", "unshare", "-rn")
        assert offline.returncode == 0, offline.stderr.decode()
        assert offline.stderr == b""
        assert b'"clearview-ai"' in offline.stdout
        assert offline.stdout == audit(root, tmp_path / "other").stdout

    @pytest.mark.parametrize(
        "arguments",
        [
            ("formats",),
            ("schema", "signature"),
            ("lookup", "app.clearview.ai", "noreply@clearview.ai"),
            ("signatures", "check", "signatures/facial-recognition/clearview-ai.yaml"),
            ("parse", f"{LOGS}/proxy"),
        ],
        ids=lambda arguments: arguments[0],
    )
    def test_every_other_command_works_too(self, root, tmp_path, arguments):
        if arguments[0] == "parse":
            arguments = ("parse", "-q", "sample_logs/squid")
        done = subprocess.run(
            ["unshare", "-rn", sys.executable, "-m", "detector", *arguments], cwd=root, capture_output=True,
            env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)}, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 4 if arguments[0] == "parse" else 0), done.stderr.decode()
        assert done.stdout


def test_no_room_but_those_that_the_configuration_sends_out_knows_sockets(root):
    """The words that open a connection stand only where alerts go out, and where the daemon listens."""
    words = ("import socket", "urllib.request", "http.client", "import requests", "import httpx", "import aiohttp",
             "import httpcore", "import smtplib")  # fmt: skip
    allowed = {"outward", "sinks", "daemon"}
    found = [
        f"{path.name}: {word}"
        for path in sorted((root / "detector").rglob("*.py"))
        if path.relative_to(root / "detector").parts[0] not in allowed
        for word in words
        if word in path.read_text()
    ]
    assert found == []
