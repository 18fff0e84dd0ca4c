"""Servers on the loopback interface for tests: they do what they are told, also what no decent server does."""

import contextlib
import os
import socket
import ssl
import subprocess
import threading
from pathlib import Path


def root_is_alone():
    """Whether root is the only user here, as in a namespace of its own (`unshare -r`)."""
    return not os.geteuid() and Path("/proc/self/uid_map").read_text().split()[2:] == ["1"]


def certificate(folder):
    """A certificate for 127.0.0.1 and localhost, signed by itself, with its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
         "30", "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext",
         "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o600)
    return cert, key


class Server:
    """Runs ``behave(connection, stop)`` in a thread for every connection; a context that ends them all."""

    def __init__(self, behave, tls=None):
        self._behave = behave
        self._stop = threading.Event()
        self._threads = []
        self._open = []
        self._context = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*tls)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0

    def __enter__(self):
        self._run(self._accept)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for connection in self._open:
            connection.close()

    def _run(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._run(self._serve, connection)

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self._behave(connection, self._stop)


def request_of(connection):
    """The head and the body of one HTTP request."""
    content = b""
    while b"\r\n\r\n" not in content:
        piece = connection.recv(65536)
        if not piece:
            return "", {}, b""
        content += piece
    head, _, body = content.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return first, headers, body


class Http:
    """A server that gives the answers it was told, one after the other (the last one for ever), and keeps requests."""

    def __init__(self, *answers, tls=None):
        self.requests = []
        self._answers = list(answers)
        self._server = Server(self._behave, tls)
        self._scheme = "https" if tls else "http"

    def __enter__(self):
        self._server.__enter__()
        return self

    def __exit__(self, *more):
        self._server.__exit__(*more)

    @property
    def port(self):
        return self._server.port

    @property
    def url(self):
        return f"{self._scheme}://127.0.0.1:{self.port}/hook?key=hidden"

    def _behave(self, connection, stop):
        asked = request_of(connection)
        if not asked[0]:
            return
        self.requests.append(asked)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if callable(answer):
            answer(connection, stop)
        else:
            connection.sendall(answer)


def answer(status, body=b"", **headers):
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def hang(_connection, stop):
    """Nothing, for ever."""
    stop.wait()


def drip(start=b"", piece=b"H", every_s=0.05):
    """A little, again and again."""

    def behave(connection, stop):
        connection.sendall(start)
        while not stop.wait(every_s):
            connection.sendall(piece)

    return behave


def endless(start, piece=b"x" * 65536):
    """As much as the other side takes, for ever."""

    def behave(connection, stop):
        connection.sendall(start)
        while not stop.is_set():
            connection.sendall(piece)

    return behave
