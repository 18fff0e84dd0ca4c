"""The README's first five minutes, run as they stand there: from nothing to an alert in a real Alertmanager."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from e2e import servers

ROOT = Path(__file__).parent.parent.parent
MISSING = [name for name in ("prometheus-alertmanager", "amtool") if servers.program(name) is None]
pytestmark = [
    pytest.mark.outside,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


def lines():
    """The block's lines without those that install."""
    text = (ROOT / "README.md").read_text()
    block = re.search(r"five minutes.*?```sh\n(.*?)```", text, re.DOTALL)[1]
    return [line for line in block.splitlines() if not line.startswith(("make ", "apt-get "))]


def test_they_end_with_an_alert(tmp_path):
    shutil.copytree(ROOT / "deploy" / "docker", tmp_path / "deploy" / "docker")
    (tmp_path / "deploy" / "try").mkdir()
    port, listen = servers.free_port(), servers.free_port()
    configuration = (ROOT / "deploy" / "try" / "shadowit.yml").read_text()
    (tmp_path / "deploy" / "try" / "shadowit.yml").write_text(
        f"listen: 127.0.0.1:{listen}\n{configuration}".replace("9093", str(port))
    )
    program = tmp_path / ".venv" / "bin" / "shadowit"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m detector "$@"\n')
    program.chmod(0o755)
    script = "\n".join(["set -m", "trap 'kill $(jobs -p)' EXIT", *lines()]).replace("9093", str(port))
    script = script.replace(
        "--cluster.listen-address=", f"--cluster.listen-address= --web.listen-address=127.0.0.1:{port}"
    )
    with subprocess.Popen(
        ["bash", "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as shell:  # fmt: skip
        try:
            said, _ = shell.communicate(timeout=90)
        finally:
            if shell.poll() is None:
                shell.send_signal(signal.SIGTERM)
    assert "ShadowitNewPerson" in said, said
    assert "clearview-ai" in said
    assert "u1042" not in said.split("ShadowitNewPerson")[1]
