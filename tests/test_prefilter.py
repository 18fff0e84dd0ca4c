"""Which lines may hold a sighting: more than necessary is allowed, fewer never."""

from dataclasses import replace

import hyperscan
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import SUFFIX, examples, indicator, signature, small_ruleset

from detector.events import Dialect, Line, read_lines
from detector.formats import own_formats
from detector.match import Matcher
from detector.prefilter import (
    ALWAYS,
    AUTHORITY,
    CACHED_LITERALS,
    NAME,
    Literal,
    LiteralScanner,
    prefilter_of,
    scanner_of,
)
from detector.signatures import Ruleset, cache

FORMATS = own_formats()
RULESET = small_ruleset()
MATCHER = Matcher(RULESET)
PROXY = prefilter_of(RULESET, FORMATS["squid"])


def found(scanner, data):
    """The candidate lines of some bytes."""
    return [data[start:end] for start, end in scanner.candidates(bytearray(data), len(data))]


@pytest.mark.parametrize("line", [
    b"GET http://clearview.ai/ x", b"CONNECT APP.CLEARVIEW.AI:443", b"clearview.ai", b"x clearview.ai.", b"a=clearview.ai&b",  # noqa: E501
    b"http://clearview.ai%2Fx", b"u=http%3A%2F%2Fclearview.ai%2F", b"\\tclearview.ai", b"\\x22clearview.ai\\x22",
    b"\\u0022clearview.ai", b"http://%63learview.ai/", b"http://clearview%2eai/", b"http:\\/\\/clearview%2Eai",
    "http://\uff43learview.ai/".encode(), "http://clearview\u3002ai/".encode(), b"http://%EF%BD%83learview.ai/",
    b"http://clearview%E3%80%82ai/", b"rekognition.us-east-1.amazonaws.com", b"clearview-ai.translate.goog",
    b"clearview.ai.mcas.ms", b"xn--bcher-kva.example", "b\u00fccher.example".encode(), b"http://b%C3%BCcher.example/",
    b"%63learview.ai:443", b"clear\0view.ai", b"\0", b"someone@clearview.ai",
])  # fmt: skip
def test_what_the_match_could_find_is_a_candidate(line):
    assert found(PROXY, b"before\n" + line + b"\nafter") == [line]


@pytest.mark.parametrize("line", [
    b"notclearview.ai", b"clearview.air", b"clearview.ai-x.example", b"clearviewXai", b"", b"clearview", b"x-clearview.ai",  # noqa: E501
    b"http://example.org/%63learview", b"http://example.org/?q=%2e", b"clearview.ai_x",
])  # fmt: skip
def test_what_the_match_could_not_find_need_not_be_parsed(line):
    assert found(PROXY, b"before\n" + line + b"\nafter") == []


def test_each_line_comes_once_and_in_order():
    data = b"clearview.ai app.clearview.ai %41\nx\n" * 3 + b"deep.clearview.ai"
    spans = PROXY.candidates(bytearray(data), len(data))
    assert spans == sorted(set(spans))
    assert [data[start:end].count(b"clearview") for start, end in spans] == [2, 2, 2, 1]


def test_what_lies_behind_the_size_is_not_part_of_the_chunk():
    data = bytearray(b"x clearview.ai\nclearview.ai\n")
    assert PROXY.candidates(data, 10) == []
    assert PROXY.candidates(data, 14) == [(0, 14)]
    assert PROXY.candidates(bytearray(), 0) == []


def test_a_name_at_the_border_of_the_buffer_is_found():
    assert found(PROXY, b"clearview.ai") == [b"clearview.ai"]
    assert found(PROXY, b"\nclearview.ai\n") == [b"clearview.ai"]


def test_names_are_looked_for_as_the_format_spells_them():
    scanner = prefilter_of(RULESET, FORMATS["windows_dns_debug"])
    assert found(scanner, b"A (3)www(9)clearview(2)ai(0)\n") == [b"A (3)www(9)clearview(2)ai(0)"]
    assert found(scanner, b"A (12)notclearview(2)ai(0)\n") == []


def test_mail_is_filtered_by_senders_and_platforms():
    scanner = prefilter_of(RULESET, FORMATS["exchange_message_tracking"])
    assert found(scanner, b"a@clearview.ai\nb@em.sendgrid.net\nc@sub-mail.example\nd@rekognition.eu.amazonaws.com\n") == [  # noqa: E501
        b"a@clearview.ai", b"b@em.sendgrid.net", b"c@sub-mail.example",
    ]  # fmt: skip


def test_platforms_do_not_count_where_no_service_has_a_name():
    nameless = replace(RULESET, signatures=tuple(
        one._replace(mail=one.mail._replace(names=())) for one in RULESET.signatures
    ))  # fmt: skip
    scanner = prefilter_of(nameless, FORMATS["exchange_message_tracking"])
    assert found(scanner, b"b@em.sendgrid.net\n") == []


def test_header_lines_are_always_candidates():
    scanner = prefilter_of(RULESET, FORMATS["bluecoat_proxysg"])
    assert found(scanner, b"#Fields: date time\n#Version: 1\n") == [b"#Fields: date time"]


def test_lines_with_nul_bytes_are_candidates_among_others():
    data = b"clearview.ai\nx\0y\0z\nquiet\nlast\0"
    assert found(PROXY, data) == [b"clearview.ai", b"x\0y\0z", b"last\0"]


def test_words_are_found_whole():
    scanner = scanner_of([b"4F3A", b"4F3AB"], [b"#head"])
    assert found(scanner, b"q 4F3A: x\nq 14F3A: x\nq 4F3AB: x\nq 4f3a-1\nx#head\n") == [
        b"q 4F3A: x", b"q 4F3AB: x", b"x#head",
    ]  # fmt: skip


def test_no_literal_finds_nothing():
    assert LiteralScanner([]).candidates(bytearray(b"clearview.ai"), 12) == []


def test_rules_say_where_a_literal_counts():
    scanner = LiteralScanner([Literal(b"aa", NAME), Literal(b"bb", ALWAYS), Literal(b"%63", AUTHORITY)])
    assert found(scanner, b"xaa\nxbb\nhttp://a/%63\nhttp://%63\nx" + b"y" * 600 + b"%63\n") == [
        b"xbb", b"http://%63", b"x" + b"y" * 600 + b"%63",
    ]  # fmt: skip


class TestCache:
    def big(self):
        hosts = [indicator("many", SUFFIX, f"host{number}.example") for number in range(CACHED_LITERALS)]
        return Ruleset(digest="", signatures=(signature("many", *hosts),))

    def test_a_large_set_is_compiled_once(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        first = prefilter_of(self.big(), FORMATS["unbound"])
        assert list((tmp_path / "shadowit").glob("prefilter-*"))
        monkeypatch.setattr(hyperscan, "Database", None)
        second = prefilter_of(self.big(), FORMATS["unbound"])
        data = b"a host7.example b\n"
        assert found(first, data) == found(second, data) == [b"a host7.example b"]

    def test_a_broken_entry_is_made_again(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        prefilter_of(self.big(), FORMATS["unbound"])
        (entry,) = (tmp_path / "shadowit").glob("prefilter-*")
        entry.write_bytes(b"made by another build")
        entry.chmod(0o600)
        assert found(prefilter_of(self.big(), FORMATS["unbound"]), b"host7.example") == [b"host7.example"]
        assert cache.get(entry.name) != b"made by another build"


host_text = st.text(st.sampled_from("abclearviw.-%263EeAI\uff43\u3002\u212a\\/:@"), max_size=24)


@settings(max_examples=examples(400), deadline=None, derandomize=True)
@given(
    front=host_text,
    behind=host_text,
    host=st.sampled_from(["clearview.ai", "Clearview.AI", "%63learview.ai", "clearview%2Eai"]),
)
def test_may_over_report_must_never_under_report(front, behind, host):
    """What the format reads and the match finds in a line makes it a candidate."""
    url = f"http://{front}{host}{behind}"
    line = f"1582797600.000     45 10.0.0.7 TCP_MISS/200 0 GET {url} u1 HIER_DIRECT/192.0.2.1 -".encode()
    batch = read_lines(FORMATS["squid"], Dialect(), [Line(0, line)]).batch
    if MATCHER.match(batch):
        assert found(PROXY, line + b"\n") == [line]


def test_an_object_whose_keys_are_a_headers_names_is_no_candidate():
    scanner = prefilter_of(RULESET, FORMATS["defender_network_events"])
    header, line = b"Timestamp,ActionType,LocalIP,RemoteUrl", b'{"ActionType":"x","RemoteUrl":"www.example.com"}'
    assert found(scanner, b"\n".join((header, line, b" " + line, line))) == [header, b" " + line]
