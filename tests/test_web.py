"""The web listener: what it says, whom it answers, and that silent and slow clients keep nobody waiting."""

import base64
import contextlib
import gzip
import http.client
import json
import socket
import ssl
import threading
import time
from types import SimpleNamespace

import bcrypt
import pytest
from servers import certificate

from detector.daemon import webconfig
from detector.daemon.connections import LIMIT
from detector.daemon.guard import Passwords, credentials
from detector.daemon.health import RELOAD, Health
from detector.daemon.web import Answers, Listener
from detector.errors import InvalidFile, UsageError
from detector.metrics import Page, Snapshot

NOW = 1_582_761_600_000_000
PASSWORD = "canary-of-a-secret"
HASHED = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


class Daemon:
    """As much of a daemon as the listener asks for."""

    def __init__(self):
        self.health = Health(NOW)
        self.health.running(is_running=True)
        self.made, self.reloads, self.is_taken = 0, 0, True
        self.content = Page().text(Snapshot())

    def metrics(self):
        self.made += 1
        return self.content

    def reload(self):
        self.reloads += 1
        if not self.is_taken:
            self.health.not_reloaded(NOW, "shadowit.yml:3:1: sorces: no such key")
        return self.is_taken

    def answers(self):
        return Answers(lambda: self.health.state, self.metrics, self.reload)


@contextlib.contextmanager
def listening(daemon=None, listen="127.0.0.1:0", web_config=None):
    listener = Listener(listen, web_config, (daemon or Daemon()).answers())
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


def asked(listener, path="/metrics", method="GET", context=None, timeout=10, **headers):
    host, port = listener.address
    kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
    connection = kind(
        "127.0.0.1" if host == "0.0.0.0" else host, port, timeout=timeout, **({"context": context} if context else {})
    )
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return SimpleNamespace(status=answer.status, headers=answer.headers, body=answer.read())
    finally:
        connection.close()


def written(folder, content, name="web-config.yml"):
    path = folder / name
    path.write_text(content)
    return path


class TestPages:
    def test_metrics(self):
        daemon = Daemon()
        with listening(daemon) as listener:
            answer = asked(listener)
        assert (answer.status, answer.body) == (200, daemon.content)
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.headers["Connection"] == "close"

    def test_metrics_are_compressed_for_those_who_take_it(self):
        daemon = Daemon()
        with listening(daemon) as listener:
            answer = asked(listener, Accept_Encoding="gzip, deflate")
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.body) == daemon.content

    def test_metrics_are_made_at_most_once_a_second_whoever_asks(self):
        daemon = Daemon()
        with listening(daemon) as listener:
            for _ in range(20):
                assert asked(listener).status == 200
        assert daemon.made <= 2

    def test_alive(self):
        with listening() as listener:
            assert asked(listener, "/-/healthy").status == 200

    def test_ready_and_why_not(self):
        daemon = Daemon()
        with listening(daemon) as listener:
            assert asked(listener, "/-/ready").status == 200
            daemon.health.broken("store", "disk full", NOW, is_grave=True)
            answer = asked(listener, "/-/ready")
        said = json.loads(answer.body)
        assert (answer.status, said["ready"]) == (503, False)
        assert said["faults"] == [
            {"name": "store", "reason": "disk full", "since": "2020-02-27T00:00:00Z", "is_grave": True}
        ]

    def test_reload(self):
        daemon = Daemon()
        with listening(daemon) as listener:
            assert json.loads(asked(listener, "/-/reload", "POST").body) == {"reloaded": True, "reason": ""}
            assert asked(listener, "/-/reload").status == 405
            daemon.is_taken = False
            answer = asked(listener, "/-/reload", "POST")
        assert (answer.status, json.loads(answer.body)["reason"]) == (500, "shadowit.yml:3:1: sorces: no such key")
        assert daemon.reloads == 2
        assert RELOAD in daemon.health.state.faults

    def test_one_reload_at_a_time(self):
        daemon, entered, released = Daemon(), threading.Event(), threading.Event()

        def reload():
            entered.set()
            return released.wait(10)

        daemon.reload = reload
        with listening(daemon) as listener:
            first = threading.Thread(target=asked, args=(listener, "/-/reload", "POST"))
            first.start()
            entered.wait(5)
            assert asked(listener, "/-/reload", "POST").status == 409
            assert asked(listener, "/-/healthy").status == 200
            released.set()
            first.join()

    def test_nothing_else(self):
        with listening() as listener:
            for path in ("/", "/docs", "/-/quit", "/metrics/../etc/passwd", "//"):
                assert asked(listener, path).status == 404
            assert asked(listener, "/metrics", "DELETE").status == 405

    def test_it_says_nothing_of_what_it_is_made_of(self):
        with listening() as listener:
            assert "Server" not in asked(listener).headers


class TestWhoMayAsk:
    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9847", "[::1]:9847"])
    def test_this_machine_by_its_names(self, host):
        with listening() as listener:
            assert asked(listener, Host=host).status == 200

    @pytest.mark.parametrize(
        "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1"]
    )
    def test_nobody_who_points_another_name_here(self, host):
        with listening() as listener:
            answer = asked(listener, Host=host)
        assert (answer.status, b"evil" in answer.body) == (421, False)

    @pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}])
    def test_no_page_of_another_site(self, headers):
        daemon = Daemon()
        with listening(daemon) as listener:
            assert asked(listener, "/-/reload", "POST", **headers).status == 403
        assert daemon.reloads == 0

    @pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:9847", "example.org:80"])
    def test_an_address_that_others_can_reach_is_refused_without_protection(self, listen, tmp_path, tls):
        half = written(tmp_path, f"tls_server_config: {{cert_file: {tls[0]}, key_file: {tls[1]}}}\n")
        other = written(tmp_path, f"basic_auth_users: {{p: '{HASHED}'}}\n", "other.yml")
        for path in (None, half, other):
            with pytest.raises(UsageError, match="needs TLS and basic auth"):
                Listener(listen, path, Daemon().answers())

    def test_an_address_that_is_taken(self):
        with listening() as listener:
            port = listener.address[1]
            with pytest.raises(UsageError, match=f"127.0.0.1:{port} cannot be taken"):
                Listener(f"127.0.0.1:{port}", None, Daemon().answers())

    def test_what_is_no_address(self, monkeypatch):
        def unknown(*_, **__):
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(UsageError, match=r"is no address: Name or service not known"):
            Listener("127.0.0.1:0", None, Daemon().answers())

    def test_localhost_is_loopback(self):
        with listening(listen="localhost:0") as listener:
            assert listener.address[0] == "127.0.0.1"


class TestProtection:
    def config(self, folder, tls, more=""):
        return written(
            folder,
            f"tls_server_config: {{cert_file: {tls[0]}, key_file: {tls[1]}{more}}}\n"
            f"basic_auth_users: {{prometheus: '{HASHED}'}}\n",
        )

    def login(self, password=PASSWORD, user="prometheus"):
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def test_tls_and_a_password(self, tmp_path, tls):
        context = ssl.create_default_context(cafile=tls[0])
        with listening(listen="0.0.0.0:0", web_config=self.config(tmp_path, tls)) as listener:
            assert asked(listener, context=context, Authorization=self.login()).status == 200
            assert asked(listener, context=context, Authorization=self.login(), Host="any.example").status == 200
            for wrong in (self.login("x"), self.login(user="y"), "Bearer x", "Basic %", "", self.login("x" * 100)):
                answer = asked(listener, context=context, Authorization=wrong)
                assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="shadowit"')
            assert asked(listener, "/-/reload", "POST", context).status == 401
            with pytest.raises((OSError, http.client.HTTPException)):
                asked(listener)

    def test_a_client_without_a_certificate_where_one_is_needed(self, tmp_path, tls):
        more = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {tls[0]}, min_version: TLS13"
        context = ssl.create_default_context(cafile=tls[0])
        with listening(web_config=self.config(tmp_path, tls, more)) as listener:
            with pytest.raises((OSError, http.client.HTTPException)):
                asked(listener, context=context, Authorization=self.login())
            context.load_cert_chain(*tls)
            assert asked(listener, context=context, Authorization=self.login()).status == 200

    def test_passwords_can_be_changed_while_it_runs(self, tmp_path, tls):
        path = self.config(tmp_path, tls)
        context = ssl.create_default_context(cafile=tls[0])
        with listening(web_config=path) as listener:
            other = bcrypt.hashpw(b"new", bcrypt.gensalt(4)).decode()
            good = path.read_text()
            path.write_text(good.replace(HASHED, other))
            listener.refresh()
            assert asked(listener, context=context, Authorization=self.login("new")).status == 200
            assert asked(listener, context=context, Authorization=self.login()).status == 401
            path.write_text("basic_auth_users: {a: plain}\n")
            with pytest.raises(InvalidFile):
                listener.refresh()
            path.write_text(f"basic_auth_users: {{prometheus: '{HASHED}'}}\n")
            with pytest.raises(UsageError, match="cannot be switched"):
                listener.refresh()
            assert asked(listener, context=context, Authorization=self.login("new")).status == 200

    def test_passwords_without_tls_on_loopback(self, tmp_path):
        path = written(tmp_path, f"basic_auth_users: {{p: '{HASHED}'}}\n")
        with listening(web_config=path) as listener:
            assert asked(listener, Authorization=self.login(user="p"), Host="proxied.example").status == 200
            assert asked(listener).status == 401
            listener.refresh()

    def test_guessing_is_slow_and_does_not_keep_those_out_who_know(self, tmp_path):
        hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(11)).decode()
        path = written(tmp_path, f"basic_auth_users: {{p: '{hashed}'}}\n")
        with listening(web_config=path) as listener:
            login = self.login("right", "p")
            assert asked(listener, "/-/healthy", Authorization=login).status == 200
            found = []

            def guess(number):
                found.append(asked(listener, Authorization=self.login(str(number), "p")).status)

            guesses = [threading.Thread(target=guess, args=(number,)) for number in range(30)]
            for one in guesses:
                one.start()
            begun = time.monotonic()
            assert asked(listener, "/-/healthy", Authorization=login).status == 200
            assert time.monotonic() - begun < 1
            for one in guesses:
                one.join()
        assert set(found) == {401, 429}

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("tls_server_config: {cert_file: a}", "1:1: tls_server_config.key_file: Field required"),
            ("tls_server_config: {cert_file: a, key_file: b}", "b: cannot be used: No such file"),
            ("http_server_config: {http2: true}", "1:1: http_server_config: this listener knows no such key"),
            ("basic_auth_users: {p: canary-of-a-secret}", "must be name: bcrypt"),
            ("basic_auth_users: {'a:b': x}", "must be name: bcrypt"),
            ("- x", "the file: Input should be a valid dictionary"),
            ("{", "web-config.yml:"),
        ],
    )
    def test_a_fault_is_told_with_its_place_and_without_secrets(self, tmp_path, content, told):
        with pytest.raises(InvalidFile) as fault:
            Listener("127.0.0.1:0", written(tmp_path, content), Daemon().answers())
        assert told in str(fault.value)
        assert PASSWORD not in str(fault.value)

    def test_a_key_that_everybody_may_read(self, tmp_path, tls):
        key = tmp_path / "open.key"
        key.write_bytes(tls[1].read_bytes())
        key.chmod(0o644)
        path = written(tmp_path, f"tls_server_config: {{cert_file: {tls[0]}, key_file: open.key}}")
        with pytest.raises(InvalidFile, match="everybody may read the key"):
            Listener("127.0.0.1:0", path, Daemon().answers())

    def test_what_is_no_certificate(self, tmp_path, tls):
        path = written(tmp_path, f"tls_server_config: {{cert_file: web-config.yml, key_file: {tls[1]}}}")
        with pytest.raises(InvalidFile, match="cert_file"):
            Listener("127.0.0.1:0", path, Daemon().answers())

    def test_a_demand_for_certificates_needs_an_authority(self, tmp_path, tls):
        path = self.config(tmp_path, tls, ", client_auth_type: RequireAndVerifyClientCert")
        with pytest.raises(InvalidFile, match="needs a client_ca_file"):
            Listener("127.0.0.1:0", path, Daemon().answers())

    def test_an_empty_file_protects_nothing(self, tmp_path):
        assert webconfig.load(written(tmp_path, "")).basic_auth_users == {}

    def test_the_file_is_one_of_prometheus(self, tmp_path, tls):
        import shutil  # noqa: PLC0415 - for this test only
        import subprocess  # noqa: PLC0415 - as above

        if shutil.which("promtool") is None:
            pytest.skip("promtool is not installed")
        path = self.config(tmp_path, tls, ", client_auth_type: NoClientCert, min_version: TLS12")
        webconfig.load(path)
        done = subprocess.run(["promtool", "check", "web-config", path], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr

    def test_credentials(self):
        assert credentials("basic dTpw") == ("u", "p")
        assert credentials("Basic /w==") == ("", "")

    def test_only_some_are_remembered(self):
        import asyncio  # noqa: PLC0415 - for this test only
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - as above

        async def ask(passwords):
            return [await passwords.is_right(self.login("x", f"u{n}")) for n in range(120)]

        hashed = bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()
        with ThreadPoolExecutor(1) as executor:
            passwords = Passwords({f"u{n}": hashed for n in range(120)}, executor)
            assert all(asyncio.run(ask(passwords)))


def opened(listener, count, content=b""):
    connections = []
    for _ in range(count):
        one = socket.create_connection(listener.address, timeout=10)
        if content:
            one.sendall(content)
        connections.append(one)
    return connections


def closed(connections):
    for one in connections:
        one.close()


def slowest(listener, times=20, **more):
    taken = []
    for _ in range(times):
        begun = time.monotonic()
        assert asked(listener, **more).status == 200
        taken.append(time.monotonic() - begun)
    return max(taken)


class TestRudeClients:
    @pytest.mark.parametrize(
        "content",
        [b"", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
         b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx", b"\x16\x03\x01\xff" * 20],
        ids=["silent", "half a header", "reads nothing", "half a body", "garbage"],
    )  # fmt: skip
    def test_200_of_them_keep_nobody_waiting(self, content):
        daemon = Daemon()
        daemon.content = b"x" * 5_000_000
        threads = threading.active_count()
        with listening(daemon) as listener:
            rude = opened(listener, 200, content)
            assert slowest(listener) < 1
            assert threading.active_count() - threads <= 8
            closed(rude)

    def test_a_header_must_be_there_in_time(self, monkeypatch):
        monkeypatch.setattr("detector.daemon.connections.HEADER_S", 0.3)
        with listening() as listener:
            (silent,) = opened(listener, 1)
            (dripping,) = opened(listener, 1, b"GET /")
            begun = time.monotonic()
            with contextlib.suppress(OSError):
                for _ in range(100):
                    dripping.sendall(b"x")
                    time.sleep(0.02)
            assert time.monotonic() - begun < 1.5
            with contextlib.suppress(ConnectionResetError):
                assert silent.recv(1) == b""
            closed([silent, dripping])

    def test_a_request_must_be_over_in_time(self, monkeypatch):
        monkeypatch.setattr("detector.daemon.connections.LIFE_S", 0.4)
        daemon = Daemon()
        daemon.content = b"x" * 20_000_000
        with listening(daemon) as listener:
            (slow,) = opened(listener, 1, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(0.8)
            got = 0
            with contextlib.suppress(ConnectionResetError):
                while piece := slow.recv(1_000_000):
                    got += len(piece)
            assert got < 20_000_000
            closed([slow])

    def test_no_more_than_so_many_are_open(self):
        with listening() as listener:
            many = opened(listener, LIMIT + 40)
            assert asked(listener, "/-/healthy").status == 200
            alive = 0
            for one in many:
                one.settimeout(0.01)
                try:
                    one.recv(1)
                except TimeoutError:
                    alive += 1
                except OSError:
                    continue
            assert alive <= LIMIT
            closed(many)

    def test_silent_ones_under_tls(self, tmp_path, tls, monkeypatch):
        monkeypatch.setattr("detector.daemon.web.HEADER_S", 0.5)
        path = written(tmp_path, f"tls_server_config: {{cert_file: {tls[0]}, key_file: {tls[1]}}}\n")
        context = ssl.create_default_context(cafile=tls[0])
        with listening(web_config=path) as listener:
            rude = opened(listener, 200)
            assert slowest(listener, 5, context=context) < 1
            rude[0].settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                assert rude[0].recv(1) == b""
            closed(rude)

    def test_slow_readers_that_come_again_and_again_cut_off_nobody_honest(self, caplog):
        daemon, over = Daemon(), threading.Event()
        daemon.content = b"x" * 5_000_000

        def flood(listener):
            while not over.wait(0.1):
                closed(opened(listener, 40, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"))

        with listening(daemon) as listener:
            floods = [threading.Thread(target=flood, args=(listener,)) for _ in range(3)]
            for one in floods:
                one.start()
            try:
                assert slowest(listener, 15, Accept_Encoding="gzip") < 2
            finally:
                over.set()
                for one in floods:
                    one.join()
        assert "raised exception" not in caplog.text

    def test_it_ends_although_somebody_hangs_on(self):
        with listening() as listener:
            rude = opened(listener, 5, b"GET /")
            asked(listener, "/-/healthy")
            begun = time.monotonic()
            listener.stop()
            assert time.monotonic() - begun < 3
            closed(rude)
