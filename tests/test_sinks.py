"""Sinks against real servers on the loopback interface, and what may not be called at all."""

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from servers import Http, Server, answer, certificate, drip, endless, hang

from detector import __version__
from detector.cli import run
from detector.errors import InvalidFile, UsageError
from detector.events import from_iso
from detector.findings import Alert, AlertKind, Severity
from detector.outward import Deadline, Endpoint, Refused, Result, TooLate, addresses_of, read_secret, read_secret_line
from detector.outward.http import Post, checked_url, post, retry_after_s
from detector.outward.sink import _attempted, shortened
from detector.outward.wording import as_json, cef, document, ecs, lines, ocsf, title
from detector.sinks import channels, sink_of, sink_types
from detector.sinks.alertmanager import AlertmanagerOptions
from detector.sinks.apprise import AppriseOptions
from detector.sinks.jsonl import JsonlOptions
from detector.sinks.smtp import SmtpOptions, mail
from detector.sinks.syslog import SyslogOptions, message
from detector.sinks.webhook import WebhookOptions, signature

NOW = from_iso("2026-03-02T10:00:00Z")
ALERT = Alert(
    key="new-person-0123", incident="service:clearview-ai", kind=AlertKind.NEW_PERSON, severity=Severity.HIGH,
    service="clearview-ai", category="facial-recognition", at=NOW - 5_000_000,
    reason="p-1 (account) was seen at Clearview AI for the first time: used.",
    facts={"actor": "p-1", "source": "proxy", "sightings": 2},
)  # fmt: skip
SECRET = "canary-of-a-secret"


def secret(folder, content=SECRET, name="secret"):
    path = folder / name
    path.write_text(f"{content}\n")
    path.chmod(0o600)
    return path


def delivered(type_, options, alert=ALERT):
    return sink_of(type_).channel(options).deliver(alert, NOW)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


class TestPlugs:
    def test_every_file_is_a_sink_of_its_name_and_says_what_it_is(self):
        assert sink_types() == ["alertmanager", "apprise", "jsonl", "smtp", "syslog", "webhook"]
        for type_ in sink_types():
            sink = sink_of(type_)
            module = sys.modules[f"detector.sinks.{type_}"]
            assert sink.type == type_
            assert "::" in module.__doc__
            for name in sink.options.model_fields:
                assert re.search(rf"^ +{name}: ", sink.options.__doc__, re.MULTILINE) or name in ("type", "name")
            assert sink.options.model_config["extra"] == "forbid"

    def test_a_foreign_sink_comes_by_entry_point(self, monkeypatch):
        class Point:
            name = "pager"

            def load(self):
                return "the sink"

        def points(group, name="pager"):
            return [Point()] if (group, name) == ("detector.sinks", "pager") else []

        monkeypatch.setattr("detector.sinks.entry_points", points)
        assert "pager" in sink_types()
        assert sink_of("pager") == "the sink"

    def test_an_unknown_type_is_told_the_nearest(self):
        with pytest.raises(UsageError, match="did you mean 'webhook'"):
            sink_of("webhok")
        with pytest.raises(UsageError, match="there are alertmanager, apprise"):
            sink_of("x")


class TestConfiguration:
    def written(self, folder, text):
        path = folder / "shadowit.yml"
        path.write_text(text)
        return path

    def test_sinks_are_made_ready_with_paths_beside_the_configuration(self, tmp_path):
        path = self.written(
            tmp_path,
            "sinks:\n  - {type: jsonl, path: alerts.jsonl}\n"
            "  - {type: alertmanager, url: 'http://127.0.0.1:9093', name: am, allow_private: true}\n",
        )
        first, second = channels(path)
        assert (first.name, first.is_digestible, first.repeat) == ("jsonl", False, None)
        assert (second.name, second.type, second.repeat_s) == ("am", "alertmanager", 60)
        assert first.deliver(ALERT, NOW).result is Result.DELIVERED
        assert (tmp_path / "alerts.jsonl").exists()

    @pytest.mark.parametrize("text", ["", "interval_s: 5\n", "sinks:\n", "sinks: []\n"])
    def test_none_is_allowed(self, tmp_path, text):
        assert channels(self.written(tmp_path, text)) == []

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("sinks: {type: jsonl}", "1:1: sinks: must be a list"),
            ("sinks: [", "shadowit.yml:"),
            ("sinks: [jsonl]", "1:9: sinks[0]: must say its type: alertmanager"),
            (
                "sinks:\n  - {type: jsonll, path: a}",
                "2:6: sinks[0]: no sink is of type 'jsonll'; did you mean 'jsonl'",
            ),
            ("sinks:\n  - {type: jsonl, pth: a}", "2:19: sinks[0]: pth: no such key; did you mean 'path'?"),
            ("sinks:\n  - {type: jsonl}", "sinks[0]: path: Field required"),
            ("sinks:\n  - {type: jsonl, path: a}\n  - {type: jsonl, path: b}", "two sinks are called 'jsonl'"),
            ("sinks:\n  - {type: webhook, secret_file: a}", "write url or url_file"),
            ("sinks:\n  - {type: smtp, host: h, sender: a@b, recipients: [c@d], username: u}", "go together"),
        ],
    )
    def test_a_fault_is_told_with_its_place(self, tmp_path, text, told):
        with pytest.raises(InvalidFile) as fault:
            channels(self.written(tmp_path, text))
        assert told in str(fault.value)

    def test_a_url_with_a_password_is_refused_and_not_repeated(self, tmp_path):
        text = f"sinks:\n  - {{type: alertmanager, url: 'http://u:{SECRET}@example.org'}}"
        with pytest.raises(InvalidFile) as fault:
            channels(self.written(tmp_path, text))
        assert "must hold no user or password" in str(fault.value)
        assert SECRET not in str(fault.value)

    @pytest.mark.parametrize("url", ["ftp://a", "http://", "http:///x", "https://a b", "http://a#x", "http://a:0", "x"])
    def test_what_is_no_url(self, url):
        with pytest.raises(ValueError, match="must"):
            checked_url(url)


class TestSecrets:
    def test_only_its_owner_may_read_it(self, tmp_path):
        path = secret(tmp_path)
        assert read_secret(path) == SECRET.encode()
        path.chmod(0o640)
        with pytest.raises(UsageError, match="others may read the secret: chmod 600"):
            read_secret(path)

    @pytest.mark.parametrize(
        ("content", "told"), [(b" \n", "is empty"), (b"x" * 70_000, "larger than")], ids=["empty", "large"]
    )
    def test_what_is_no_secret(self, tmp_path, content, told):
        path = secret(tmp_path)
        path.write_bytes(content)
        with pytest.raises(UsageError, match=told):
            read_secret(path)

    def test_it_must_be_a_file(self, tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            read_secret(tmp_path / "none")
        with pytest.raises(UsageError, match="cannot be read"):
            read_secret(tmp_path)

    @pytest.mark.parametrize(("content", "told"), [(b"\xff", "not UTF-8"), (b"a\nb", "one line")])
    def test_a_line_is_a_line(self, tmp_path, content, told):
        path = secret(tmp_path)
        path.write_bytes(content)
        with pytest.raises(UsageError, match=told):
            read_secret_line(path)

    def test_it_stands_in_no_representation_and_no_outcome(self, tmp_path):
        options = WebhookOptions(type="webhook", url="http://127.0.0.1:9/x?token=hidden", secret_file=secret(tmp_path))
        outcome = delivered("webhook", options)
        assert outcome.result is Result.POSTPONED
        for shown in (repr(options), str(outcome), str(options)):
            assert SECRET not in shown
        assert "hidden" not in str(outcome)


def resolved(host, *found, allow_private=False):
    return addresses_of(Endpoint(host, 80, allow_private), Deadline(1), lambda _: list(found))


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        ["169.254.169.254", "169.254.0.1", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255",
         "240.0.0.1", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "::ffff:169.254.169.254",
         "::169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fec0::1"],
    )  # fmt: skip
    @pytest.mark.parametrize("allow_private", [True, False])
    def test_some_are_never_called(self, address, allow_private):
        with pytest.raises(Refused, match="never called"):
            resolved("metadata.example", address, allow_private=allow_private)
        with pytest.raises(Refused, match="never called"):
            resolved(address, allow_private=allow_private)

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "::1", "fd12::1", "100.64.0.1",
                    "::ffff:127.0.0.1", "::ffff:8.8.8.8"]
    )  # fmt: skip
    def test_private_ones_need_somebody_who_means_it(self, address):
        with pytest.raises(Refused, match="allow_private: true"):
            resolved("internal.example", address)
        assert resolved("internal.example", address, allow_private=True) == [address]

    @pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "8.8.8.8", "[::1]"])
    def test_an_address_that_is_written_is_meant(self, address):
        assert resolved(address) == [address.strip("[]")]

    def test_a_wrapped_address_that_is_written_is_not_enough(self):
        with pytest.raises(Refused, match="a private address"):
            resolved("::ffff:127.0.0.1")

    @pytest.mark.parametrize("spelled", ["2130706433", "0x7f.1", "127.1", "017700000001", "localhost"])
    def test_another_spelling_of_an_address_is_a_name(self, spelled):
        with pytest.raises((Refused, OSError)):
            addresses_of(Endpoint(spelled, 80), Deadline(5))

    def test_one_bad_answer_refuses_all(self):
        with pytest.raises(Refused):
            resolved("both.example", "8.8.8.8", "10.0.0.1")

    def test_public_ones_are_called_in_their_order(self):
        assert resolved("public.example", "8.8.8.8", "2606:4700::1111", "8.8.8.8") == ["8.8.8.8", "2606:4700::1111"]

    def test_a_name_without_an_address(self):
        with pytest.raises(OSError, match="has no address"):
            resolved("nothing.example")

    def test_a_resolver_that_fails(self):
        def resolve(_host):
            raise socket.gaierror(-2, "unknown")

        with pytest.raises(OSError, match="does not resolve"):
            addresses_of(Endpoint("x.example", 80), Deadline(1), resolve)

    def test_a_resolver_that_is_slow_does_not_hold_the_attempt(self):
        released = threading.Event()
        with pytest.raises(TooLate, match="resolver"):
            addresses_of(Endpoint("x.example", 80), Deadline(0.1), lambda _: released.wait(60) and [])
        assert not released.is_set()
        released.set()

    def test_the_address_that_was_checked_is_the_one_that_is_called(self):
        """A name that changes between the check and the call changes nothing: it is asked for once."""
        asked = []

        def resolve(host):
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

        with Http(answer(200)) as server:
            url = f"http://rebind.example:{server.port}/"
            assert post(Post(url, b"x", allow_private=True), NOW, resolve).result is Result.DELIVERED
            assert server.requests[0][1]["host"] == f"rebind.example:{server.port}"
        assert asked == ["rebind.example"]

    @given(st.ip_addresses())
    def test_a_name_leads_to_public_addresses_only(self, address):
        try:
            resolved("any.example", str(address))
        except Refused:
            return
        assert address.is_global
        assert not address.is_link_local


def posted(server, limit_s=5.0, **more):
    return post(Post(server.url, b"{}", **more), NOW, limit_s=limit_s)


class TestHttp:
    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_2xx_is_delivered(self, status):
        with Http(answer(status)) as server:
            outcome = posted(server)
        assert outcome.result is Result.DELIVERED
        assert outcome.detail == f"http://127.0.0.1:{server.port} answered {status}"

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
    def test_4xx_is_parked(self, status):
        with Http(answer(status, b"no\x1b[31m such\r\nthing")) as server:
            outcome = posted(server)
        assert outcome.result is Result.PARKED
        assert outcome.detail.endswith(f"answered {status} no [31m such thing")

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
    def test_what_passes_is_tried_again(self, status):
        with Http(answer(status, Retry_After="7")) as server:
            outcome = posted(server)
        assert (outcome.result, outcome.retry_after_s) == (Result.POSTPONED, 7)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, status):
        with Http(answer(200)) as other, Http(answer(status, Location=other.url)) as server:
            outcome = posted(server)
        assert (outcome.result, len(other.requests)) == (Result.PARKED, 0)
        assert "redirects are not followed" in outcome.detail

    @pytest.mark.parametrize("rude", [
        pytest.param(hang, id="hang"),
        pytest.param(drip(b"", b"H"), id="drip of a status"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"), id="drip of headers"),
    ])  # fmt: skip
    def test_a_deadline_is_one_for_the_whole_attempt(self, rude):
        with Http(rude) as server:
            begun = time.monotonic()
            with pytest.raises((TooLate, AssertionError)) as ended:
                assert posted(server, 0.6).result is Result.DELIVERED
            assert time.monotonic() - begun < 20
            assert ended.type is TooLate or "POSTPONED" in str(ended.value)

    def test_an_answer_that_never_ends_is_not_read_to_its_end(self):
        for status, result in ((200, Result.DELIVERED), (503, Result.POSTPONED), (404, Result.PARKED)):
            with Http(endless(b"HTTP/1.1 %d X\r\n\r\n" % status)) as server:
                begun = time.monotonic()
                assert posted(server).result is result
                assert time.monotonic() - begun < 20

    def test_the_status_counts_where_the_rest_never_comes(self):
        with Http(drip(b"HTTP/1.1 404 X\r\nContent-Length: 100\r\n\r\n", b"n")) as server:
            assert posted(server, 0.5).result is Result.PARKED

    def test_headers_that_never_end(self):
        with Http(endless(b"HTTP/1.1 200 OK\r\nx: ")) as server:
            assert posted(server).result is Result.POSTPONED

    @pytest.mark.parametrize("content", [b"garbage\r\n\r\n", b"\x00\xff" * 50, b"HTTP/9 x\r\n\r\n", b""])
    def test_garbage_is_tried_again(self, content):
        with Http(content) as server:
            assert posted(server).result is Result.POSTPONED

    def test_a_body_that_is_cut_off(self):
        with Http(b"HTTP/1.1 500 X\r\nContent-Length: 10\r\n\r\nabc") as server:
            assert posted(server).detail.endswith("answered 500 abc")

    def test_nobody_there(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1:{port}: Connection refused"):
            post(Post(f"http://127.0.0.1:{port}/", b""), NOW)

    def test_somebody_who_takes_the_connection_and_nothing_else(self):
        """A socket that listens but is never accepted: the kernel takes the connection, nobody answers."""
        with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TooLate):
            post(Post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"x" * 8_000_000), NOW, limit_s=0.5)

    def test_environment_proxies_are_not_asked(self, monkeypatch):
        with Http(answer(200)) as proxy, Http(answer(200)) as server:
            for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            assert posted(server).result is Result.DELIVERED
            assert proxy.requests == []

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("", 0), ("5", 5), ("99999999999999999999", 900), ("-1", 0), ("soon", 0), ("1.5", 0), ("٣", 0),
         ("Mon, 02 Mar 2026 10:01:00 GMT", 60), ("Mon, 02 Mar 2026 09:00:00 GMT", 0),
         ("Mon, 02 Mar 2099 09:00:00 GMT", 900), ("Mon, 02 Mar 2026 10:01:00", 0)],
    )  # fmt: skip
    def test_retry_after(self, value, seconds):
        assert retry_after_s(value, NOW) == seconds


class TestTls:
    def test_a_certificate_of_a_named_authority(self, tls):
        with Http(answer(200), tls=tls) as server:
            assert posted(server, ca_file=tls[0]).result is Result.DELIVERED

    def test_one_that_nobody_trusts(self, tls):
        with Http(answer(200), tls=tls) as server:
            with pytest.raises(OSError, match=r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"):
                posted(server)
            assert server.requests == []

    def test_one_of_another_host(self, tls):
        with Http(answer(200), tls=tls) as server:
            asked = Post(f"https://other.example:{server.port}/", b"", ca_file=tls[0], allow_private=True)
            with pytest.raises(ssl.SSLCertVerificationError):
                post(asked, NOW, lambda _: ["127.0.0.1"])

    def test_no_tls_at_all(self, tls):
        with Http(answer(200)) as server, pytest.raises((OSError, TooLate)):
            post(Post(server.url.replace("http:", "https:"), b"", ca_file=tls[0]), NOW, limit_s=2)

    def test_a_handshake_that_never_comes(self):
        with Server(hang) as server, pytest.raises(TooLate, match="handshake"):
            post(Post(f"https://127.0.0.1:{server.port}/", b""), NOW, limit_s=0.4)

    def test_an_authority_that_is_none(self, tmp_path):
        with Http(answer(200)) as server, pytest.raises(UsageError, match="no certificates can be read"):
            post(Post(server.url.replace("http:", "https:"), b"", ca_file=tmp_path / "none.pem"), NOW)


class TestWebhook:
    def options(self, server, folder, **more):
        return WebhookOptions(type="webhook", url=server.url, secret_file=secret(folder), **more)

    def test_it_is_signed_and_has_a_key_that_repeats_itself(self, tmp_path):
        with Http(answer(200)) as server:
            options = self.options(server, tmp_path)
            outcomes = [delivered("webhook", options) for _ in range(2)]
        assert [one.result for one in outcomes] == [Result.DELIVERED] * 2
        (_, headers, body), (_, again, _) = server.requests
        assert headers["idempotency-key"] == headers["webhook-id"] == again["idempotency-key"] == ALERT.key
        assert headers["webhook-timestamp"] == str(NOW // 1_000_000)
        signed = f"{ALERT.key}.{NOW // 1_000_000}.".encode() + body
        digest = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
        assert json.loads(body) == document(ALERT)
        assert headers["content-type"] == "application/json"

    def test_the_example_of_the_standard(self):
        """Test vector of the reference: libraries of receivers verify exactly this."""
        secret = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
        assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_a_secret_that_says_it_is_base64_and_is_not(self, tmp_path):
        with Http(answer(200)) as server:
            options = WebhookOptions(type="webhook", url=server.url, secret_file=secret(tmp_path, "whsec_ä"))
            outcome = delivered("webhook", options)
        assert outcome.result is Result.POSTPONED
        assert "no base64" in outcome.detail

    def test_a_url_that_is_a_secret_and_a_token(self, tmp_path):
        with Http(answer(200)) as server:
            options = WebhookOptions(
                type="webhook", url_file=secret(tmp_path, server.url, "url"), secret_file=secret(tmp_path),
                bearer_file=secret(tmp_path, "token", "bearer"), body="ocsf",
            )  # fmt: skip
            assert delivered("webhook", options).result is Result.DELIVERED
        (first, headers, body) = server.requests[0]
        assert first == "POST /hook?key=hidden HTTP/1.1"
        assert headers["authorization"] == "Bearer token"
        assert json.loads(body)["class_uid"] == 2004

    def test_a_file_that_holds_no_url(self, tmp_path):
        options = WebhookOptions(type="webhook", url_file=secret(tmp_path, SECRET), secret_file=secret(tmp_path))
        outcome = delivered("webhook", options)
        assert outcome.result is Result.POSTPONED
        assert SECRET not in outcome.detail

    def test_a_private_address_behind_a_name_is_parked(self, tmp_path):
        options = WebhookOptions(type="webhook", url="http://localhost:9/", secret_file=secret(tmp_path))
        assert delivered("webhook", options).result is Result.PARKED

    def test_both_ways_to_name_a_url_are_one_too_many(self, tmp_path):
        with pytest.raises(ValidationError, match="one of them"):
            WebhookOptions(type="webhook", url="http://a", url_file=tmp_path, secret_file=tmp_path)


class TestAlertmanager:
    def sent(self, alerts, **more):
        with Http(answer(200)) as server:
            options = AlertmanagerOptions(type="alertmanager", url=f"http://127.0.0.1:{server.port}/", **more)
            channel = sink_of("alertmanager").channel(options)
            outcome = channel.deliver(alerts[0], NOW) if len(alerts) == 1 else channel.repeat(alerts, NOW)
        assert outcome.result is Result.DELIVERED
        return server.requests[0]

    def test_labels_name_no_person_and_no_time(self):
        first, _, body = self.sent([ALERT])
        assert first == "POST /api/v2/alerts HTTP/1.1"
        (entry,) = json.loads(body)
        assert entry["labels"] == {
            "alertname": "ShadowitNewPerson", "service": "clearview-ai", "severity": "high", "source": "proxy",
        }  # fmt: skip
        assert entry["startsAt"] == "2026-03-02T09:59:55Z"
        assert entry["endsAt"] == "2026-03-02T10:04:00Z"
        assert entry["annotations"]["summary"] == ALERT.reason
        assert entry["annotations"]["fact_actor"] == "p-1"

    def test_what_is_over_ends_now_under_the_same_labels(self):
        (entry,) = json.loads(self.sent([ALERT.ended(NOW, "over")])[2])
        (before,) = json.loads(self.sent([ALERT])[2])
        assert entry["endsAt"] == "2026-03-02T10:00:00Z"
        assert entry["labels"] == before["labels"]

    def test_alerts_with_the_same_labels_are_one(self):
        other = Alert("k2", "source:dns:gap", AlertKind.COVERAGE_GAP, Severity.LOW, "", "", NOW, "r")
        entries = json.loads(self.sent([ALERT, other, ALERT.ended(NOW - 9_000_000, "older")])[2])
        assert [one["labels"]["alertname"] for one in entries] == ["ShadowitNewPerson", "ShadowitCoverageGap"]
        assert entries[0]["annotations"]["summary"] == ALERT.reason
        assert "service" not in entries[1]["labels"]

    def test_nothing_open_asks_nobody(self):
        options = AlertmanagerOptions(type="alertmanager", url="http://127.0.0.1:9")
        assert sink_of("alertmanager").channel(options).repeat([], NOW).result is Result.DELIVERED

    def test_it_logs_in(self, tmp_path):
        _, headers, _ = self.sent([ALERT], username="u", password_file=secret(tmp_path))
        assert base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == f"u:{SECRET}"
        _, headers, _ = self.sent([ALERT], bearer_file=secret(tmp_path))
        assert headers["authorization"] == f"Bearer {SECRET}"

    @pytest.mark.parametrize("more", [{"username": "u"}, {"password_file": "p"},
                                      {"username": "u", "password_file": "p", "bearer_file": "b"}])  # fmt: skip
    def test_half_a_login_is_none(self, more):
        with pytest.raises(ValidationError, match=r"go together|not both"):
            AlertmanagerOptions(type="alertmanager", url="http://a", **more)


AMTOOL = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


@pytest.mark.skipif(AMTOOL is None, reason="Alertmanager is not installed")
def test_a_real_alertmanager_takes_repeats_and_resolves(tmp_path):
    (tmp_path / "am.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    running = subprocess.Popen(
        [AMTOOL, f"--config.file={tmp_path}/am.yml", f"--storage.path={tmp_path}/data", "--cluster.listen-address=",
         f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        channel = sink_of("alertmanager").channel(
            AlertmanagerOptions(type="alertmanager", url=f"http://127.0.0.1:{port}")
        )
        now = time.time_ns() // 1000
        for _ in range(100):
            if channel.deliver(ALERT, now).result is Result.DELIVERED:
                break
            time.sleep(0.1)
        assert channel.repeat([ALERT], now).result is Result.DELIVERED

        def active():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/alerts", timeout=5) as said:
                return json.load(said)

        assert [one["labels"]["alertname"] for one in active()] == ["ShadowitNewPerson"]
        channel.deliver(ALERT.ended(now, "over"), now)
        deadline = time.monotonic() + 10
        while active() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert active() == []
    finally:
        running.terminate()
        running.wait(10)


class TestJsonl:
    def options(self, folder):
        return JsonlOptions(type="jsonl", path=folder / "alerts.jsonl")

    def test_one_finding_on_each_line(self, tmp_path):
        options = self.options(tmp_path)
        for alert in (ALERT, ALERT.ended(NOW, "over")):
            assert delivered("jsonl", options, alert).result is Result.DELIVERED
        first, second = map(json.loads, options.path.read_text().splitlines())
        assert (first["class_uid"], first["type_uid"], first["severity_id"]) == (2004, 200401, 4)
        assert first["metadata"]["uid"] == ALERT.key
        assert first["finding_info"]["uid"] == "service:clearview-ai"
        assert first["time"] == (NOW - 5_000_000) // 1000
        assert (second["activity_name"], second["status"]) == ("Close", "Resolved")
        assert options.path.stat().st_mode & 0o777 == 0o600

    def test_it_is_durable_before_it_is_delivered(self, tmp_path, monkeypatch):
        synced = []
        monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
        delivered("jsonl", self.options(tmp_path))
        assert synced == [self.options(tmp_path).path.stat().st_size]

    def test_a_line_without_its_end_is_ended_first(self, tmp_path):
        options = self.options(tmp_path)
        options.path.write_text("{torn")
        delivered("jsonl", options)
        torn, whole = options.path.read_text().splitlines()
        assert (torn, json.loads(whole)["class_uid"]) == ("{torn", 2004)

    def test_a_write_that_fails_is_taken_back(self, tmp_path, monkeypatch):
        options = self.options(tmp_path)
        delivered("jsonl", options)
        before, write = options.path.read_bytes(), os.write

        def half(file, view):
            if len(view) < 200:
                raise OSError(28, "No space left on device")
            return write(file, view[:-100])

        monkeypatch.setattr(os, "write", half)
        outcome = delivered("jsonl", options)
        assert (outcome.result, outcome.detail) == (Result.POSTPONED, "No space left on device")
        assert options.path.read_bytes() == before

    def test_what_is_no_file(self, tmp_path):
        os.mkfifo(tmp_path / "alerts.jsonl")
        assert delivered("jsonl", self.options(tmp_path)).result is Result.POSTPONED
        (tmp_path / "link").symlink_to(tmp_path / "other")
        linked = JsonlOptions(type="jsonl", path=tmp_path / "link")
        assert delivered("jsonl", linked).result is Result.POSTPONED
        assert not (tmp_path / "other").exists()
        pipe = os.open(tmp_path / "alerts.jsonl", os.O_RDONLY | os.O_NONBLOCK)
        assert "not a regular file" in delivered("jsonl", self.options(tmp_path)).detail
        os.close(pipe)


class Collector:
    """What a syslog collector got, by connection."""

    def __init__(self, tls=None):
        self.messages = []
        self._server = Server(self._behave, tls)

    def _behave(self, connection, _stop):
        got = b""
        while piece := connection.recv(65536):
            got += piece
        self.messages.append(got)

    def __enter__(self):
        self._server.__enter__()
        return self

    def __exit__(self, *more):
        self._server.__exit__(*more)

    @property
    def port(self):
        return self._server.port


FRAMED = re.compile(
    rb"(\d+) (<(\d+)>1 2026-03-02T09:59:55\.000Z \S+ shadowit - new-person - \xef\xbb\xbf(.*))", re.DOTALL
)


class TestSyslog:
    def options(self, **more):
        return SyslogOptions(type="syslog", host="127.0.0.1", **more)

    def test_tcp_frames_by_length(self):
        with Collector() as collector:
            outcome = delivered("syslog", self.options(port=collector.port, protocol="tcp"))
        assert outcome == (Result.DELIVERED, f"sent to tcp://127.0.0.1:{collector.port}", 0)
        length, whole, priority, body = FRAMED.fullmatch(collector.messages[0]).groups()
        assert (int(length), int(priority)) == (len(whole), 16 * 8 + 3)
        assert json.loads(body)["event"]["id"] == ALERT.key

    def test_tls(self, tls):
        with Collector(tls) as collector:
            outcome = delivered("syslog", self.options(port=collector.port, ca_file=tls[0], body="cef"))
        assert outcome.result is Result.DELIVERED
        assert FRAMED.fullmatch(collector.messages[0])[4].startswith(b"CEF:0|shadowit|shadowit|")

    def test_tls_of_somebody_else(self, tls):
        with Collector(tls) as collector:
            assert delivered("syslog", self.options(port=collector.port)).result is Result.POSTPONED

    def test_udp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
            collector.bind(("127.0.0.1", 0))
            collector.settimeout(5)
            port = collector.getsockname()[1]
            outcome = delivered("syslog", self.options(port=port, protocol="udp"))
            got = collector.recv(65536)
        assert outcome == (Result.DELIVERED, f"sent to udp://127.0.0.1:{port}, which gives no receipt", 0)
        assert FRAMED.fullmatch(b"0 " + got)

    def test_a_collector_that_breaks_off(self):
        def reset(connection, _stop):
            connection.recv(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        with Server(reset) as server:
            assert delivered("syslog", self.options(port=server.port, protocol="tcp")).result is Result.POSTPONED

    def test_a_collector_that_never_closes_gives_no_receipt(self):
        with Server(hang) as server:
            outcome = delivered("syslog", self.options(port=server.port, protocol="tcp"))
        assert outcome.detail.endswith("which gave no receipt")

    def test_the_header_is_what_the_standard_wants(self):
        sent = message(ALERT, self.options(facility=23, hostname="h.example"))
        assert sent.startswith(b"<187>1 2026-03-02T09:59:55.000Z h.example shadowit - new-person - \xef\xbb\xbf{")

    @pytest.mark.parametrize("more", [{"facility": 24}, {"hostname": "a b"}, {"port": 0}, {"protocol": "sctp"}])
    def test_what_is_no_option(self, more):
        with pytest.raises(ValidationError):
            self.options(**more)

    def test_a_collector_that_is_never_called(self):
        options = SyslogOptions(type="syslog", host="169.254.169.254", protocol="udp")
        assert delivered("syslog", options).result is Result.PARKED


class Mailserver:
    """A mail server that says what it is told to say; keeps mails and what it was asked."""

    def __init__(self, tls=None, security="none", **answers):
        self.mails, self.asked = [], []
        self._answers = answers
        self._security = security
        self._context = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*tls)
        self._server = Server(self._behave, tls if security == "tls" else None)

    def __enter__(self):
        self._server.__enter__()
        return self

    def __exit__(self, *more):
        self._server.__exit__(*more)

    @property
    def port(self):
        return self._server.port

    def _behave(self, connection, stop):
        file = connection.makefile("rb")
        connection.sendall(self._answers.get("hello", "220 mail.example\r\n").encode())
        while line := file.readline():
            verb = line.split()[0].decode().upper()
            self.asked.append(line.decode().strip())
            said = self._answers.get(verb.lower())
            if callable(said):
                said(connection, stop)
                return
            if said is None:
                said = self._usual(verb)
            connection.sendall(said.encode())
            if verb == "STARTTLS" and said.startswith("220"):
                file.close()
                connection = self._context.wrap_socket(connection, server_side=True)
                file = connection.makefile("rb")
            elif verb == "DATA" and said.startswith("354"):
                content = b""
                while (one := file.readline()) != b".\r\n":
                    content += one
                self.mails.append(content)
                connection.sendall(self._answers.get("end", "250 taken\r\n").encode())
            elif verb == "QUIT":
                break
        file.close()
        connection.close()

    def _usual(self, verb):
        return {
            "EHLO": "250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n",
            "STARTTLS": "220 go\r\n",
            "AUTH": "235 welcome\r\n",
            "DATA": "354 go\r\n",
        }.get(verb, "250 ok\r\n")


class TestSmtp:
    def options(self, server, **more):
        fields = {"type": "smtp", "host": "127.0.0.1", "port": server.port, "security": "none",
                  "sender": "shadowit@example.org", "recipients": ("soc@example.org", "dpo@example.org")}  # fmt: skip
        return SmtpOptions(**fields | more)

    def test_a_mail_with_starttls_and_login(self, tls, tmp_path):
        with Mailserver(tls, "starttls") as server:
            options = self.options(
                server, security="starttls", ca_file=tls[0], username="u", password_file=secret(tmp_path)
            )
            outcome = delivered("smtp", options)
        assert outcome == (Result.DELIVERED, f"127.0.0.1:{server.port} took the mail", 0)
        verbs = [one.split()[0].lower() for one in server.asked]
        assert verbs == ["ehlo", "starttls", "ehlo", "auth", "mail", "rcpt", "rcpt", "data", "quit"]
        got = message_from_bytes(server.mails[0], policy=policy.default)
        assert got["Subject"] == "[high] clearview-ai: new person"
        assert got["Message-ID"] == mail(ALERT, options)["Message-ID"]
        assert ALERT.reason in got.get_content()

    def test_a_mail_with_tls_from_the_start(self, tls):
        with Mailserver(tls, "tls") as server:
            assert delivered("smtp", self.options(server, security="tls", ca_file=tls[0])).result is Result.DELIVERED

    def test_a_server_without_starttls_gets_no_mail(self, tls):
        with Mailserver(tls, "starttls", starttls="502 no\r\n") as server:
            outcome = delivered("smtp", self.options(server, security="starttls", ca_file=tls[0]))
        assert (outcome.result, server.mails) == (Result.PARKED, [])

    def test_a_certificate_that_nobody_trusts(self, tls):
        with Mailserver(tls, "starttls") as server:
            assert delivered("smtp", self.options(server, security="starttls")).result is Result.POSTPONED

    @pytest.mark.parametrize(
        ("answers", "result"),
        [({"hello": "421 busy\r\n"}, Result.POSTPONED), ({"hello": "554 go away\r\n"}, Result.PARKED),
         ({"mail": "451 later\r\n"}, Result.POSTPONED), ({"mail": "550 no\r\n"}, Result.PARKED),
         ({"rcpt": "450 greylisted\r\n"}, Result.POSTPONED), ({"rcpt": "550 unknown\r\n"}, Result.PARKED),
         ({"data": "554 no\r\n"}, Result.PARKED), ({"end": "452 full\r\n"}, Result.POSTPONED),
         ({"hello": "garbage\r\n"}, Result.POSTPONED), ({"mail": lambda _c, _s: None}, Result.POSTPONED)],
    )  # fmt: skip
    def test_what_a_server_may_answer(self, answers, result):
        with Mailserver(**answers) as server:
            assert delivered("smtp", self.options(server)).result is result

    def test_a_wrong_password(self, tls, tmp_path):
        with Mailserver(tls, "starttls", auth="535 no\r\n") as server:
            options = self.options(
                server, security="starttls", ca_file=tls[0], username="u", password_file=secret(tmp_path)
            )
            outcome = delivered("smtp", options)
        assert outcome.result is Result.PARKED
        assert SECRET not in outcome.detail

    def test_a_server_that_drips_is_hung_up_on(self, monkeypatch):
        monkeypatch.setattr("detector.sinks.smtp.ATTEMPT_S", 0.5)
        for answers in ({"mail": drip(b"250-", b"x")}, {"mail": hang}):
            with Mailserver(**answers) as server:
                begun = time.monotonic()
                assert delivered("smtp", self.options(server)).result is Result.POSTPONED
                assert time.monotonic() - begun < 20

    def test_the_same_alert_is_the_same_mail(self):
        options = SmtpOptions(type="smtp", host="h", sender="a@b.example", recipients=("c@d.example",))
        assert mail(ALERT, options).as_bytes() == mail(ALERT, options).as_bytes()
        over = mail(ALERT.ended(NOW, "over"), options)
        assert over["References"] == mail(ALERT, options)["References"]
        assert over["Message-ID"] != mail(ALERT, options)["Message-ID"]

    def test_a_name_with_a_line_end_forges_no_header(self):
        forged = Alert("k", "i\r\nBcc: x@y", AlertKind.SILENT_SOURCE, Severity.LOW, "", "", NOW, "r",
                       {"source": "a\r\nBcc: x@y.example"})  # fmt: skip
        options = SmtpOptions(type="smtp", host="h", sender="a@b.example", recipients=("c@d.example",))
        made = message_from_bytes(mail(forged, options).as_bytes(), policy=policy.default)
        assert made["Bcc"] is None

    @pytest.mark.parametrize(
        "more", [{"sender": "x"}, {"recipients": []}, {"recipients": ["a@b\r\nc"]}, {"security": "ssl"},
                 {"security": "none", "username": "u", "password_file": "p"}, {"username": "u"}]
    )  # fmt: skip
    def test_what_is_no_option(self, more):
        fields = {"type": "smtp", "host": "h", "sender": "a@b.example", "recipients": ["c@d.example"]}
        with pytest.raises(ValidationError):
            SmtpOptions(**fields | more)


class TestApprise:
    def test_it_tells_a_service_of_its_own(self, tmp_path):
        pytest.importorskip("apprise")
        with Http(answer(200)) as server:
            url = secret(tmp_path, f"json://127.0.0.1:{server.port}/{SECRET}", "url")
            outcome = delivered("apprise", AppriseOptions(type="apprise", url_file=url))
        assert outcome == (Result.DELIVERED, "json: apprise says that it was taken", 0)
        assert json.loads(server.requests[0][2])["title"] == title(ALERT)

    @pytest.mark.parametrize(
        ("url", "result"), [("nonsense", Result.PARKED), (f"json://127.0.0.1:9/{SECRET}", Result.POSTPONED)]
    )
    def test_what_it_cannot_do(self, tmp_path, url, result):
        pytest.importorskip("apprise")
        outcome = delivered("apprise", AppriseOptions(type="apprise", url_file=secret(tmp_path, url)))
        assert outcome.result is result
        assert SECRET not in outcome.detail

    def test_it_is_ended_at_the_deadline(self, tmp_path, monkeypatch):
        pytest.importorskip("apprise")
        monkeypatch.setattr("detector.sinks.apprise.ATTEMPT_S", 0.05)
        options = AppriseOptions(type="apprise", url_file=secret(tmp_path, "json://127.0.0.1:9/"))
        outcome = delivered("apprise", options)
        assert (outcome.result, outcome.detail) == (Result.POSTPONED, "json: not done within 0.05 s")

    def test_without_the_library_the_configuration_says_what_to_do(self, monkeypatch, tmp_path):
        monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
        with pytest.raises(ValidationError, match=r"pip install 'shadowit-detector\[notify\]'"):
            AppriseOptions(type="apprise", url_file=tmp_path)


class TestWording:
    def test_what_cannot_be_seen_is_spelled_out_everywhere(self):
        nasty = "a\x1b[31m\u202e\u2028\x00\udcff\r\nb|c=d\\e"
        alert = Alert("k", f"i{nasty}", AlertKind.COVERAGE_GAP, Severity.LOW, "", "", NOW, nasty,
                      {"source": nasty, "path": nasty})  # fmt: skip
        said = [cef(alert), title(alert), *(as_json(made(alert)).decode() for made in (document, ocsf, ecs))]
        for one in said:
            assert one.isprintable()
        assert all(line.isprintable() for line in lines(alert).split("\n"))

    def test_cef_escapes_what_separates(self):
        alert = Alert("k", "i", AlertKind.COVERAGE_GAP, Severity.LOW, "", "", NOW, "a=b|c\\d", {"source": "x|y"})
        header = re.split(r"(?<!\\)\|", cef(alert))
        assert header[:6] == ["CEF:0", "shadowit", "shadowit", __version__, "coverage-gap", "[low] x\\|y: coverage gap"]
        assert cef(alert).endswith("msg=a\\=b|c\\\\d")

    def test_ecs_names_a_pseudonym_and_nothing_where_there_is_none(self):
        assert ecs(ALERT)["user"] == {"hash": "p-1"}
        assert "user" not in ecs(Alert("k", "i", AlertKind.TEST, Severity.INFO, "", "", NOW, "r"))

    def test_every_severity_has_a_number(self):
        for severity in Severity:
            alert = Alert("k", "i", AlertKind.TEST, severity, "", "", NOW, "r")
            assert 1 <= ocsf(alert)["severity_id"] <= 5
            assert cef(alert)

    def test_what_others_say_is_cut(self):
        assert len(shortened("x" * 1000)) == 300

    def test_an_outcome_of_everything_that_may_go_wrong(self):
        def raising(fault):
            def attempt():
                raise fault

            return _attempted(attempt)

        assert raising(Refused("no")).result is Result.PARKED
        assert raising(TooLate("late")).result is Result.POSTPONED
        assert raising(OSError()).detail == "OSError"


def test_an_attempt_never_holds_more_threads_than_the_resolvers():
    before = threading.active_count()
    with Http(answer(200)) as server:
        for _ in range(20):
            assert posted(server).result is Result.DELIVERED
    assert threading.active_count() <= before + 1


@pytest.mark.parametrize(
    ("text", "told"),
    [("sinks: [{type: jsonl, pth: a}]", "sinks[0]: pth: no such key"),
     ("web_config_file: web.yml", "basic_auth_users.p: must be name: bcrypt")],
)  # fmt: skip
def test_check_config_looks_at_sinks_and_the_web_configuration(tmp_path, capsys, text, told):
    (tmp_path / "shadowit.yml").write_text(text)
    (tmp_path / "web.yml").write_text("basic_auth_users: {p: plain}")
    assert run(["check", "config", str(tmp_path / "shadowit.yml")]) == 3
    assert told in capsys.readouterr().err
    (tmp_path / "shadowit.yml").write_text("sinks: [{type: jsonl, path: a}]")
    assert run(["check", "config", str(tmp_path / "shadowit.yml")]) == 0
    assert capsys.readouterr().out.endswith(", 1 sinks\n")
