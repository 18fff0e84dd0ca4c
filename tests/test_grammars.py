"""Shapes that several formats share: every reader's examples, and what hostile lines do to them."""

import doctest
import importlib
import pkgutil
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import grammars
from detector.events import Action, Col, Dialect
from detector.grammars import cef, kv, leef, moments, records, rendering, verdicts

NAMES = [module.name for module in pkgutil.iter_modules(grammars.__path__)]


@pytest.mark.parametrize("name", NAMES)
def test_examples_of_docstrings_hold(name):
    failed, _ = doctest.testmod(importlib.import_module(f"detector.grammars.{name}"))
    assert not failed


def test_quoted_values_never_give_pairs():
    line = r'user="u1042" ua="x\" action=\"blocked" url="http://example.com/?src=192.0.2.1 user=u2" action=passthrough'
    pairs = kv.quoted(line)
    assert pairs["action"] == "passthrough"
    assert pairs["user"] == "u1042"
    assert pairs["ua"] == 'x" action="blocked'


@pytest.mark.parametrize(
    "line",
    [
        'a=1 b="two words" c="" d= e="x=y z" a=2',
        'a="1" b=c"d"e f="g"h i="j',
        '<189>date=2020-02-27 msg="a b" c=d',
        'a="" b="" "c d" e=f',
    ],
)
def test_short_way_reads_what_the_long_way_reads(line):
    long = kv.quoted(line + r' last="\\"')  # a backslash forbids the short way
    long.pop("last")
    assert {key: cell for key, cell in kv.quoted(line).items() if key in long} == long


def test_quote_that_nothing_closes_is_a_letter():
    pairs = kv.quoted('a="b c=d e=f')
    assert pairs["c"] == "d"
    assert pairs["e"] == "f"


def test_first_of_equal_keys_counts():
    assert kv.quoted("a=1 a=2")["a"] == "1"
    assert kv.opened("a=1 a=2")["a"] == "1"
    assert kv.cut("a=1|a=2", "|")["a"] == "1"
    assert kv.colon('a:"1"; a:"2"')["a"] == "1"


@pytest.mark.parametrize("pairs", [{"a": "", "b": 'x "y" \\ z', "c": "d=e f", "g": "1"}])
def test_written_pairs_read_back(pairs):
    assert kv.quoted(kv.join(pairs)) == pairs


def test_commas_separate_pairs_of_csv_feeds():
    assert kv.quoted('date=2020-02-27,devname="fw,1",url="/a,b"', ",") == {
        "url": "/a,b",
        "devname": "fw,1",
        "date": "2020-02-27",
    }


@pytest.mark.parametrize(
    "head",
    ["CEF:0|", "Feb 27 10:00:00 fw CEF: 0|", "0|", "<134>1 2020-02-27T10:00:00Z fw app - - - CEF:0|", "CEF:1.0|"],
)
def test_cef_header_is_found_behind_syslog(head):
    message = cef.find(head + r"Ven\|dor|Proxy|1.0|100|visit|3|act=a b request=http://x.example/?q\=1 cs1=late act=no")
    assert message is not None
    assert message.vendor == "Ven|dor"
    assert message.fields == {"act": "a b", "request": "http://x.example/?q=1", "cs1": "late"}


def test_cef_without_fields_and_without_last_bar():
    message = cef.find("CEF:0|Vendor|Proxy|1.0|100|visit|3")
    assert message is not None
    assert message.fields == {}


def test_cef_reads_what_it_writes():
    fields = {"request": "http://x.example/?a=b&c=d", "msg": "back\\slash = sign", "suser": "u1042"}
    message = cef.find(cef.join("Vendor|Proxy|1|100|visit|3", fields))
    assert message is not None
    assert message.fields == fields


@pytest.mark.parametrize("delimiter", ["^", "0x5E", "x5E", "|"])
def test_leef_delimiters(delimiter):
    sign = "|" if delimiter == "|" else "^"
    line = f"LEEF:2.0|Vendor|Proxy|1|100|{delimiter}|src=10.0.0.7{sign}usrName=u1042{sign}url=http://x.example/?a=b"
    message = leef.find(line)
    assert message is not None
    assert message.fields == {"src": "10.0.0.7", "usrName": "u1042", "url": "http://x.example/?a=b"}


@pytest.mark.parametrize(
    "line",
    [
        "LEEF:1.0|Vendor|Proxy|1|100|src=10.0.0.7\tusrName=u1042",
        "LEEF:2.0|Vendor|Proxy|1|100||src=10.0.0.7\tusrName=u1042",
        "LEEF:2.0|Vendor|Proxy|1|100|src=10.0.0.7\tusrName=u1042",
        "1.0|Vendor|Proxy|1|100|src=10.0.0.7 usrName=u1042",
        "fw LEEF:1.0|Vendor|Proxy|1|100|src=10.0.0.7|usrName=u1042",
    ],
)
def test_leef_tabs_blanks_and_bars(line):
    message = leef.find(line)
    assert message is not None
    assert message.fields == {"src": "10.0.0.7", "usrName": "u1042"}


@pytest.mark.parametrize(
    "text",
    ["Feb 27 2020 10:00:00", "Feb 27 2020 11:00:00.000 CET", "27 Feb 2020 10:00:00", "Feb 27 10:00:00", "1582797600"],
)
def test_leef_times(text):
    until = moments.instant("2020-03-31T00:00:00Z", Dialect().zone)
    assert leef.instant(text, "", Dialect().zone, until) == 1582797600_000000


def test_record_of_lists_objects_and_numbers():
    table = records.table(
        {Col.SOURCE_IP: "net.src src", Col.URL: "url", Col.DOMAIN: "host", Col.BYTES_SENT: "out"},
        when=moments.stamp("t"),
        verdict=verdicts.verdict("act", denied="block", allowed="allow"),
        scheme="proto",
    )
    cells = {"net": [{"src": "10.0.0.7"}], "url": "/a?b", "host": ["example.com"], "out": 700.0, "act": ["Block"],
             "proto": "HTTPS", "t": 1582797600}  # fmt: skip
    assert table.row(cells, Dialect()) == {
        Col.SOURCE_IP: "10.0.0.7", Col.URL: "https://example.com/a?b", Col.DOMAIN: "example.com", Col.BYTES_SENT: 700,
        Col.AT: 1582797600_000000, Col.ACTION: Action.DENIED,
    }  # fmt: skip


def test_status_of_a_challenge_outranks_the_verdict():
    table = records.table({Col.STATUS: "status"}, verdict=verdicts.verdict("act", denied="block"))
    assert table.row({"status": "407", "act": "blocked"}, Dialect())[Col.ACTION] is Action.CHALLENGE


def test_host_of_an_example_is_a_tunnel():
    names = {Col.URL: "url", Col.METHOD: "method"}
    assert rendering.texts({Col.DOMAIN: "example.com"}, names) == {"url": "example.com:443", "method": "CONNECT"}


@pytest.mark.parametrize("read", [kv.quoted, kv.opened, kv.colon, cef.find, leef.find])
@pytest.mark.parametrize("piece", ['a="', "a=", " a=b", '\\"', 'a:"', "|", "CEF:0|", "LEEF:1.0|", '"a"', "=", "x "])
def test_forged_lines_take_linear_time(read, piece):
    line = (piece * (200_000 // len(piece)))[:200_000]
    start = time.process_time()
    try:
        read("a=b " + line)
        read(line)
    except ValueError:
        pass
    assert time.process_time() - start < 1.0


_WORD = st.text("ab=, ", max_size=4)


@given(st.lists(st.tuples(st.sampled_from("abc"), _WORD), min_size=1, max_size=4))
def test_quoted_values_are_read_alike_whether_all_are_quoted_or_not(pairs):
    line = " ".join(f'{key}="{cell}"' for key, cell in pairs)
    first = dict(reversed(pairs))
    assert kv.quoted(line) == first
    assert kv.quoted(f"{line} z=1") == first | {"z": "1"}
