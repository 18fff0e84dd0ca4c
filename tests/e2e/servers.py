"""Real servers on loopback, each in a folder of its own: started for a test, stopped behind it.

Names of planted services are answered locally. Every client has an address of its own in 127.0.0.0/8, so that logs tell
them apart. Programs come from Debian's packages; a test skips where one is missing.
"""

import contextlib
import http.server
import os
import pwd
import shutil
import socket
import struct
import subprocess
import textwrap
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from servers import root_is_alone

SBIN = f"{os.environ['PATH']}:/usr/sbin:/sbin:/usr/lib/squid"
PLANTED = ("clearview.ai", "pimeyes.com")
LOOK_ALIKES = ("notclearview.ai", "clearview.ai.example.net", "example.org")
PROBED = "example.org"
"""Asked for until a server answers; no service."""
DEADLINE_S = 40


def program(name):
    """The path of a program, ``None`` where it is not installed."""
    return shutil.which(name, path=SBIN)


def free_port(kind=socket.SOCK_STREAM):
    """A port of loopback that nobody listens on."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, what, deadline_s=DEADLINE_S):
    """Wait for a condition; its value."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {deadline_s} s")


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@dataclass
class Server:
    """A running program.

    Attributes:
        folder: its own.
        process: the one that stays in front.
        port: on which it listens.
        log: what it writes about its clients.
    """

    folder: Path
    process: subprocess.Popen
    port: int
    log: Path
    stop_command: tuple = ()

    def stop(self):
        if self.stop_command:
            subprocess.run(self.stop_command, check=False, capture_output=True, timeout=30)
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(15)


def started(command, folder, **environment):
    with (folder / "said.txt").open("wb") as said:
        return subprocess.Popen(
            [str(one) for one in command], stdout=said, stderr=subprocess.STDOUT, cwd=folder,
            env={**os.environ, "TZ": "UTC", **environment},
        )  # fmt: skip


def owned(folder, user):
    """A folder that a server's own user may write to."""
    if root_is_alone():
        pytest.skip("there is only root in this namespace, and servers run as users of their own")
    folder.mkdir(parents=True)
    account = pwd.getpwnam(user)
    os.chown(folder, account.pw_uid, account.pw_gid)
    folder.chmod(0o755)
    return folder


def written(path, text):
    path.write_text(textwrap.dedent(text).lstrip())
    path.chmod(0o644)
    return path


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def _answer(self):
        body = b"<p>a page</p>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def web_site():
    """What all planted names lead to; its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@dataclass
class Receiver:
    """A webhook receiver; ``bodies`` holds what came."""

    port: int = 0
    bodies: list = field(default_factory=list)


@contextlib.contextmanager
def receiver():
    """Somebody who gets alerts."""
    import orjson  # noqa: PLC0415 - of the program's own needs

    got = Receiver()

    class Post(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.bodies.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Post) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        got.port = server.server_port
        yield got
        server.shutdown()


def squid(root):
    """Squid with basic authentication that lets everybody in, and its own list of hosts."""
    folder = owned(root / "squid", "proxy")
    port = free_port()
    hosts = "".join(f"127.0.0.1 {name} www.{name} app.{name}\n" for name in (*PLANTED, *LOOK_ALIKES))
    written(folder / "hosts", hosts)
    helper = written(folder / "authenticate", "#!/bin/sh\nwhile read -r line; do echo OK; done\n")
    helper.chmod(0o755)
    configuration = written(folder / "squid.conf", f"""
        http_port 127.0.0.1:{port}
        hosts_file {folder}/hosts
        auth_param basic program {helper}
        auth_param basic children 2
        auth_param basic realm test
        acl known proxy_auth REQUIRED
        http_access allow known
        http_access deny all
        cache deny all
        access_log stdio:{folder}/access.log squid
        cache_log {folder}/cache.log
        pid_filename {folder}/squid.pid
        coredump_dir {folder}
        logfile_rotate 3
        shutdown_lifetime 1 seconds
        dns_nameservers 127.0.0.1
        """)  # fmt: skip
    process = started([program("squid"), "-N", "-f", configuration], folder)
    until(lambda: listens(port), "squid")
    until(lambda: browse(port, f"http://{PROBED}:9/", "probe", "127.0.0.1")[1] != 407, "squid's authentication")
    return Server(folder, process, port, folder / "access.log")


def rotate_squid(server):
    subprocess.run([program("squid"), "-k", "rotate", "-f", server.folder / "squid.conf"], check=True, timeout=30)


def unbound(root):
    """Unbound that logs queries and answers planted names."""
    folder = owned(root / "unbound", "unbound")
    port = free_port(socket.SOCK_DGRAM)
    names = (*PLANTED, *LOOK_ALIKES)
    zones = "".join(f'  local-zone: "{name}." redirect\n  local-data: "{name}. A 127.0.0.1"\n' for name in names)
    configuration = written(folder / "unbound.conf", f"""
        server:
          interface: 127.0.0.1@{port}
          access-control: 127.0.0.0/8 allow
          chroot: ""
          directory: "{folder}"
          pidfile: "{folder}/unbound.pid"
          logfile: "{folder}/unbound.log"
          use-syslog: no
          log-queries: yes
          do-daemonize: no
          verbosity: 0
        """)  # fmt: skip
    with configuration.open("a") as file:
        file.write(zones)
    process = started([program("unbound"), "-d", "-c", configuration], folder)
    until(lambda: asked(port, PROBED, "127.0.0.1"), "unbound")
    return Server(folder, process, port, folder / "unbound.log")


def bind(root):
    """BIND with the planted zones and a channel for queries."""
    folder = owned(root / "bind", "bind")
    port = free_port(socket.SOCK_DGRAM)
    zones = ""
    for name in (*PLANTED, *LOOK_ALIKES):
        written(folder / f"{name}.zone", f"""
            $TTL 60
            @ SOA ns.{name}. root.{name}. 1 60 60 60 60
            @ NS ns
            @ A 127.0.0.1
            * A 127.0.0.1
            """)  # fmt: skip
        zones += f'zone "{name}" {{ type primary; file "{folder}/{name}.zone"; }};\n'
    configuration = written(folder / "named.conf", f"""
        options {{
          directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
          recursion no; allow-query {{ 127.0.0.0/8; }}; pid-file "{folder}/named.pid"; session-keyfile "{folder}/key";
          dnssec-validation no;
        }};
        controls {{ }};
        logging {{
          channel asked {{
            file "{folder}/query.log" versions 3 size 1g; print-time yes; print-category yes; print-severity yes;
          }};
          category queries {{ asked; }};
        }};
        """)  # fmt: skip
    with configuration.open("a") as file:
        file.write(zones)
    process = started([program("named"), "-f", "-4", "-u", "bind", "-c", configuration], folder)
    until(lambda: asked(port, PROBED, "127.0.0.1"), "BIND")
    return Server(folder, process, port, folder / "query.log")


def dnsmasq(root):
    """dnsmasq with its log of queries in a file."""
    folder = owned(root / "dnsmasq", "nobody")
    port = free_port(socket.SOCK_DGRAM)
    addresses = [f"--address=/{name}/127.0.0.1" for name in (*PLANTED, *LOOK_ALIKES)]
    command = [
        program("dnsmasq"), "--keep-in-foreground", f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces",
        "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--log-queries", f"--log-facility={folder}/dnsmasq.log",
        f"--pid-file={folder}/pid", "--user=nobody", "--cache-size=0", *addresses,
    ]  # fmt: skip
    process = started(command, folder)
    until(lambda: asked(port, PROBED, "127.0.0.1"), "dnsmasq")
    return Server(folder, process, port, folder / "dnsmasq.log")


def postfix(root):
    """Postfix that takes mail by SMTP, logs subjects, and puts the mail into one box."""
    folder = root / "postfix"
    for name in ("etc", "log"):
        (folder / name).mkdir(parents=True)
    queue, data = folder / "queue", owned(folder / "data", "postfix")
    queue.mkdir()
    boxes, nobody = owned(folder / "boxes", "nobody"), pwd.getpwnam("nobody")
    port = free_port()
    written(folder / "etc" / "header_checks", "/^Subject:/ WARN\n")
    written(folder / "etc" / "main.cf", f"""
        compatibility_level = 3.6
        queue_directory = {queue}
        data_directory = {data}
        command_directory = /usr/sbin
        daemon_directory = /usr/lib/postfix/sbin
        mail_owner = postfix
        setgid_group = postdrop
        inet_interfaces = 127.0.0.1
        inet_protocols = ipv4
        myhostname = mx1.service.example
        mydestination =
        mynetworks = 127.0.0.0/8
        virtual_mailbox_domains = service.example
        virtual_mailbox_base = {boxes}
        virtual_mailbox_maps = static:all
        virtual_minimum_uid = 1
        virtual_uid_maps = static:{nobody.pw_uid}
        virtual_gid_maps = static:{nobody.pw_gid}
        maillog_file_prefixes = {folder}
        maillog_file = {folder}/log/mail.log
        header_checks = regexp:{folder}/etc/header_checks
        smtpd_recipient_restrictions = permit_mynetworks, reject
        """)  # fmt: skip
    master = Path("/etc/postfix/master.cf")
    lines = (master if master.exists() else Path("/usr/share/postfix/master.cf.dist")).read_text().splitlines()
    services = [f"127.0.0.1:{port} inet n - n - - smtpd", "postlog unix-dgram n - n - 1 postlogd"]
    for line in lines:
        fields = line.split()
        if line[:1] in ("#", " ", "\t", "") or (fields[0] in ("postlog", "smtp") and fields[1] != "unix"):
            continue
        fields[4] = "n"  # no chroot
        services.append(" ".join(fields))
    written(folder / "etc" / "master.cf", "\n".join(services) + "\n")
    control = [program("postfix"), "-c", str(folder / "etc")]
    process = started([*control, "start-fg"], folder)
    until(lambda: listens(port), f"postfix {(folder / 'said.txt').read_text()}")
    return Server(folder, process, port, folder / "log" / "mail.log", (*control, "stop"))


def prometheus(root, target, alertmanager_port, rules):
    """Prometheus that scrapes a target each second and evaluates rules."""
    folder = root / "prometheus"
    folder.mkdir()
    port = free_port()
    shutil.copy(rules, folder / "shadowit.rules.yml")
    written(folder / "prometheus.yml", f"""
        global: {{scrape_interval: 1s, evaluation_interval: 1s}}
        rule_files: [shadowit.rules.yml]
        alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager_port}"]}}]}}]}}
        scrape_configs: [{{job_name: shadowit, static_configs: [{{targets: ["{target}"]}}]}}]
        """)  # fmt: skip
    command = [
        program("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    process = started(command, folder)
    until(lambda: listens(port), "prometheus")
    return Server(folder, process, port, folder / "said.txt")


def alertmanager(root, receiver_port):
    """Alertmanager that hands everything to one receiver at once."""
    folder = root / "alertmanager"
    folder.mkdir()
    port = free_port()
    written(folder / "alertmanager.yml", f"""
        route: {{receiver: hook, group_by: ["..."], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
        receivers: [{{name: hook, webhook_configs: [{{url: "http://127.0.0.1:{receiver_port}/"}}]}}]
        """)  # fmt: skip
    command = [
        program("prometheus-alertmanager"), f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    process = started(command, folder)
    until(lambda: listens(port), "alertmanager")
    return Server(folder, process, port, folder / "said.txt")


def asked(port, name, client):
    """Ask a resolver for a name from an address of loopback; whether it answered."""
    labels = b"".join(struct.pack("B", len(label)) + label.encode() for label in name.split("."))
    query = struct.pack(">HHHHHH", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client_socket:
        client_socket.bind((client, 0))
        client_socket.settimeout(2)
        with contextlib.suppress(OSError):
            client_socket.sendto(query, ("127.0.0.1", port))
            return client_socket.recv(512)[:2] == query[:2]
    return False


def browse(proxy, url, user, client, body=None):
    """Fetch a page through the proxy as a user, first without a password: the status."""
    import base64  # noqa: PLC0415 - used here only

    host = url.split("/")[2]
    credentials = base64.b64encode(f"{user}:secret".encode()).decode()
    statuses = []
    for head in ((), (f"Proxy-Authorization: Basic {credentials}",)):
        with socket.create_connection(("127.0.0.1", proxy), 10, source_address=(client, 0)) as connection:
            method, length = ("POST", len(body)) if body else ("GET", 0)
            lines = (
                f"{method} {url} HTTP/1.1",
                f"Host: {host}",
                *head,
                f"Content-Length: {length}",
                "Connection: close",
            )
            connection.sendall("\r\n".join((*lines, "Connection: close", "", "")).encode() + (body or b""))
            statuses.append(int(connection.makefile("rb").readline().split()[1]))
    return statuses


def mailed(port, sender, recipient, subject):
    """Hand a mail to the server."""
    import smtplib  # noqa: PLC0415 - used here only

    with smtplib.SMTP("127.0.0.1", port, timeout=20) as smtp:
        smtp.sendmail(sender, [recipient], f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nText\r\n")


def fetched(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()
