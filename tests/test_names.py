"""No name stands in a store, nor what a name could be told from: looked for in the bytes, after whole passes."""

import contextlib
import hashlib
import json
import sqlite3

import pytest
from click.testing import CliRunner
from test_cli import SIGNATURE

from detector.cli import root as shadowit

ACCOUNTS = ["jane.doe", "CORP\\john.smith", "café.owner"]
MAILBOXES = ["mary.major@police.example", "rick.roe@police.example"]
ADDRESSES = ["10.77.66.55", "2001:db8:77::66:55"]
QUEUE = """\
Feb 27 10:00:00 mx1 postfix/smtpd[2101]: {id}: client=mail.one-service.com[203.0.113.5]
Feb 27 10:00:01 mx1 postfix/cleanup[2104]: {id}: message-id=<bounce+{verp}@one-service.com>
Feb 27 10:00:02 mx1 opendkim[611]: {id}: s=s1 d=one-service.com SSL
Feb 27 10:00:02 mx1 opendkim[611]: {id}: DKIM verification successful
Feb 27 10:00:02 mx1 postfix/cleanup[2104]: {id}: info: header Subject: Verify your email address from \
mail.one-service.com[203.0.113.5]; from=<bounce+{verp}@one-service.com> to=<{to}> proto=ESMTP helo=<one-service.com>
Feb 27 10:00:03 mx1 postfix/qmgr[7]: {id}: from=<bounce+{verp}@one-service.com>, size=5360, nrcpt=1 (queue active)
"""
ENDED = """\
Feb 27 10:00:05 mx1 postfix/local[2112]: {id}: to=<{to}>, relay=local, delay=0.5, dsn=2.0.0, status=sent (delivered)
Feb 27 10:00:06 mx1 postfix/qmgr[7]: {id}: removed
"""
CONFIG = """\
store: sqlite:///kept/shadowit.db
signatures: [signatures/]
sources:
  - {name: proxy, format: squid, paths: [logs/access.log]}
  - {name: dns, format: unbound, paths: [logs/dns.log]}
  - {name: mail, format: postfix, paths: [logs/mail.log]}
privacy: {key_file: pseudonym.key, custodians: [security.pub, privacy.pub]}
sinks:
  - {type: jsonl, path: alerts.jsonl}
"""


def called(*arguments):
    done = CliRunner().invoke(shadowit, list(map(str, arguments)), standalone_mode=False)
    assert done.exception is None, done.output
    return done.output


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    (folder / "logs").mkdir(parents=True)
    (folder / "signatures" / "test" / "kind").mkdir(parents=True)
    mail = "mail:\n  senders: [{domain: one-service.com, sources: [its own site]}]\n  names: [One]\nadded:"
    (folder / "signatures" / "test" / "kind" / "one.yaml").write_text(SIGNATURE.replace("added:", mail))
    (folder / "shadowit.yml").write_text(CONFIG)
    (folder / "pseudonym.key").write_text("0123456789abcdef" * 4)
    (folder / "pseudonym.key").chmod(0o600)
    for name in ("security", "privacy"):
        called("reveal", "keygen", name, "-o", folder)
    users = [*ACCOUNTS, "-"]
    (folder / "logs" / "access.log").write_text("".join(
        f"{1582797600 + number}.000 120 10.77.66.55 TCP_MISS/200 5120 GET http://www.one-service.com/{number} {user} "
        "HIER_DIRECT/1.2.3.4 text/html\n"
        for number, user in enumerate(users)
    ))  # fmt: skip
    (folder / "logs" / "dns.log").write_text("".join(
        f"[158279760{number}] unbound[811:0] info: {address} app.one-service.com. A IN\n"
        for number, address in enumerate(ADDRESSES)
    ))  # fmt: skip
    (folder / "logs" / "mail.log").write_text("".join(
        text.format(id=f"4ABC{number}", to=to, verp=to.replace("@", "="))
        for number, to in enumerate(MAILBOXES) for text in ((QUEUE, ENDED) if number == 0 else (QUEUE,))
    ))  # fmt: skip
    return folder


def forbidden():
    """Every spelling of a name, and its digests without a key."""
    for name in (*ACCOUNTS, *MAILBOXES, *ADDRESSES):
        spellings = {name, name.lower(), name.rpartition("\\")[2], name.replace("@", "="), name.partition("@")[0]}
        for one in spellings:
            plain = one.encode()
            yield from (plain, plain.hex().encode(), json.dumps(one).strip('"').encode())
            for algorithm in ("md5", "sha1", "sha256"):
                digest = hashlib.new(algorithm, plain)
                yield from (digest.digest(), digest.hexdigest().encode())


def test_no_name_stands_in_the_store_nor_its_digest(site):
    called("run", "--once", "-q", "-c", site / "shadowit.yml")
    rows = [
        json.loads(row) for row in called("findings", "list", "-f", "jsonl", "-c", site / "shadowit.yml").splitlines()
    ]
    kinds = sorted(row["actor"]["kind"] for row in rows)
    assert kinds == ["account"] * 3 + ["address"] * 2 + ["mailbox"] * 1, kinds
    with contextlib.closing(sqlite3.connect(site / "kept" / "shadowit.db")) as store:
        assert store.execute("SELECT COUNT(*) FROM fragments").fetchone()[0] > 0  # of the mail that has not arrived yet
        assert {row[0] for row in store.execute("SELECT counterpart FROM sightings")} == {"", "one-service.com"}
    files = {one.name: one.read_bytes() for one in (site / "kept").iterdir()}
    assert len(files["shadowit.db"]) > 10_000
    found = {(name, one) for name, content in files.items() for one in forbidden() if one in content}
    assert found == set()
    alerts = site / "alerts.jsonl"
    assert not [one for one in forbidden() if alerts.exists() and one in alerts.read_bytes()]


def test_the_custodians_open_what_the_daemon_sealed(site):
    called("run", "--once", "-q", "-c", site / "shadowit.yml")
    rows = [
        json.loads(row) for row in called("findings", "list", "-f", "jsonl", "-c", site / "shadowit.yml").splitlines()
    ]
    ids = [row["actor"]["id"] for row in rows]
    said = called(
        "reveal", *ids, "--key", site / "privacy.key", "--key", site / "security.key", "--case", "1", "--purpose", "p",
        "-c", site / "shadowit.yml", "-f", "json",
    )  # fmt: skip
    names = {one["name"] for one in json.loads(said)["identities"]}
    assert names == {"jane.doe", "corp\\john.smith", "café.owner", "10.77.66.55", "2001:db8:77::66:55", MAILBOXES[0]}
