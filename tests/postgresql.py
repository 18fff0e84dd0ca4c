"""A PostgreSQL server of the test's own, on loopback, as an unprivileged user; nothing where Debian's is not there."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from servers import root_is_alone

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []


def _user():
    """Whom the server runs as: it refuses root."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return None


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """A running server; ``stop`` and ``start`` may be called as often as a test likes."""

    def __init__(self, folder):
        self.folder, self.port, self.user = folder, _free_port(), _user()
        if self.user:
            shutil.chown(folder, self.user)
        self._run("initdb", "-D", folder / "data", "-U", "shadowit", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def url(self, database):
        return f"postgresql://shadowit@127.0.0.1:{self.port}/{database}"

    def create(self, database):
        self._run("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", "shadowit", database)
        return self.url(database)

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self.folder / "data", "-w", "-t", "60", "-l", log, "-o", options, "start")

    def stop(self):
        self._run("pg_ctl", "-D", self.folder / "data", "-w", "-m", "immediate", "stop")

    def _run(self, program, *arguments):
        command = [str(PROGRAMS[-1] / program), *map(str, arguments)]
        with (self.folder / "said").open("w+") as said:  # a pipe would stay open for as long as the server runs
            ended = subprocess.run(command, user=self.user, cwd="/", check=False, stdout=said, stderr=said)
            said.seek(0)
            assert ended.returncode == 0, said.read()


@contextlib.contextmanager
def running():
    if not PROGRAMS:
        pytest.skip("Debian's postgresql is not installed")
    if root_is_alone():
        pytest.skip("PostgreSQL refuses root, and there is nobody else in this namespace")
    folder = Path(tempfile.mkdtemp(prefix="shadowit-pg-", dir="/tmp"))
    server = None
    try:
        server = Server(folder)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
