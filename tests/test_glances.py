"""Reading many lines at a glance: cut at once, values known by their bytes, never another reading than parsing."""

import random
import re
from dataclasses import replace
from itertools import takewhile

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from machine import content_of, planned

from detector.discovery import Log, vocabulary
from detector.discovery.counting import Counting
from detector.discovery.cutting import lines_of
from detector.discovery.inventory import Window
from detector.discovery.leaving import Leaving, load_left_out
from detector.discovery.mails import SignUps
from detector.discovery.sweep import FirstLook, Looker
from detector.discovery.vocabulary import IDLE, UNREAD, Text, Vocabulary, are_numbers
from detector.events import Line, read_lines
from detector.events.glance import Cut, Field, Part
from detector.sources import Compression

HOST = Field(1, ".*")
TABS = Cut(b"\t", 3, HOST, HOST)
ONE_PADDED = Cut(b" ", 4, HOST, HOST, padded=frozenset({1}), odd=b"[")
QUOTED = Cut(b" ", 3, HOST, HOST, padded=frozenset({1, 2}), is_quoted=True)
WHOLE_LINES = {
    TABS: r"([^\t]*)\t([^\t]*)\t([^\t]*)",
    ONE_PADDED: r"([^ \[]+) +([^ \[]+) ([^ \[]+) ([^ \[]+)",
    QUOTED: r'("[^"]*"|[^ "]+) +("[^"]*"|[^ "]+) +("[^"]*"|[^ "]+)',
}
"""The same cuts as patterns of one line."""
FORMATS = ("bind_querylog", "bluecoat_proxysg", "dnsmasq", "squid", "unbound", "zeek_tsv")
PIECES = (
    b" ", b"  ", b"\t", b'"', b'""', b"-", b"/", b"//", b":", b"[", b"\\", b"\0", b"\r", b"\x0b", b"407", b"12209",
    b"a.new.com", b"http://", b"https://", b"%41", b"\xc3\xa4", b"\x85", b"\xa0", b".", b"AUTH_REDIRECT", b"TEXT/HTML",
    b"none", b"DENIED", b"9", b"@", b"x" * 70,
)  # fmt: skip


@pytest.mark.parametrize("cut", WHOLE_LINES, ids=["tabs", "one padded", "quoted"])
@given(lines=st.lists(st.text('ab \t"[', max_size=12), min_size=1, max_size=8))
@example(["a b a b", " a"])
def test_lines_are_cut_as_a_pattern_of_one_line_cuts_them(cut, lines):
    data = "".join(f"{line}\n" for line in lines).encode()
    found = lines_of(np.frombuffer(data, np.uint8), cut)
    wanted = {at: match.groups() for at, line in enumerate(lines) if (match := re.fullmatch(WHOLE_LINES[cut], line))}
    assert [data[start:stop].decode() for start, stop in zip(found.starts, found.stops, strict=True)] == lines
    assert found.regular.tolist() == list(wanted)
    for at in range(cut.width):
        places = zip(*found.field(at), strict=True)
        assert [data[start:stop].decode() for start, stop in places] == [fields[at] for fields in wanted.values()]


def places_of(values):
    stops = np.cumsum([len(value) + 1 for value in values]) - 1
    return Text(b"\n".join(values) + b"\n"), stops - np.array([len(value) for value in values]), stops


class TestVocabulary:
    @given(st.lists(st.binary(max_size=70).filter(lambda value: b"\n" not in value), min_size=1))
    def test_values_are_told_apart_by_all_their_bytes(self, values):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vocabulary, "_SLOT_BITS", 2)
            patch.setattr(vocabulary, "_ROOM", 2)
            known = []
            words = Vocabulary(Field(0, r"(?s:.*)"), lambda value: known.append(value) or len(known))
            for _ in range(2):
                codes = words.codes(*places_of(values)).tolist()
                fits = [value for value in values if len(value) <= 64]
                assert [code for code in codes if code != UNREAD] == [known.index(value) + 1 for value in fits]
                assert codes.count(UNREAD) == len(values) - len(fits)

    def test_each_value_is_read_once_while_the_memory_lasts(self, monkeypatch):
        monkeypatch.setattr(vocabulary, "MEMORY_LIMIT", 3)
        read = []
        words = Vocabulary(Field(0, "[ab]+", idle="b"), lambda value: read.append(value) or len(value))
        for _ in range(2):
            assert words.codes(*places_of([b"a", b"aa", b"b", b"c", b"a"])).tolist() == [1, 2, IDLE, UNREAD, 1]
        assert read == [b"a", b"aa"] * 2

    def test_parts_of_values(self):
        long = b"http://" + b"h" * 60
        values = [b"http://a.com/b", b"https://a.com", b"a.com:443", b"HTTP://a.com/", long + b"/x", long + b"12345"]
        read = []
        urls = Vocabulary(Field(0, "(.+?)/?", part=Part.AUTHORITY), lambda value: read.append(value) or 1)
        assert urls.codes(*places_of(values)).tolist() == [1, 1, 1, 1, 1, UNREAD]
        assert read == [b"a.com", b"a.com", b"a.com:443", b"HTTP:", b"h" * 60]
        peers = Vocabulary(Field(0, "[A-Z]+/", part=Part.TO_SLASH), lambda _: 1)
        assert peers.codes(*places_of([b"DIRECT/1.2", b"DIRECT", b"http://DIRECT/", b"/"])).tolist() == [1, -1, -1, -1]

    def test_numbers(self):
        values = [b"1582797600.123", b"1", b"-1", b"1/2", b"x", b"9" * 64, b"9" * 65, b"1e5", b":"]
        assert are_numbers(*places_of(values)).tolist() == [True, True, False, False, False, True, False, False, False]


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=9), max_size=6),
    st.integers(1, 3),
    st.integers(0, 9),
)
def test_people_are_counted_while_they_are_few(chunks, limit, pending):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("detector.discovery.counting._PENDING", pending)
        counting, wanted = Counting(limit), {}
        for chunk in chunks:
            domains, people = (np.array([pair[at] for pair in chunk], np.int32) for at in (0, 1))
            counting.add(domains, people, known=5)
            for domain, person in chunk:
                wanted.setdefault(domain, []).append(person)
        few, many = counting.found()
    people = {domain: set(asked) - {0} for domain, asked in wanted.items() if domain}
    assert many == sorted(domain for domain, some in people.items() if len(some) > limit)
    found = {domain: (lines, {person for person in asked if person}) for domain, lines, asked in few}
    assert found == {one: (len(wanted[one]), some) for one, some in people.items() if len(some) <= limit}


@pytest.mark.parametrize("name", FORMATS)
def test_broken_lines_are_read_as_parsing_reads_them(root, ruleset, name, tmp_path):
    rng, leaving, path = random.Random(name), Leaving(ruleset, load_left_out()), tmp_path / "broken.log"
    looker = Looker(leaving, SignUps(ruleset, leaving), Window(), 3)
    for one in planned(
        [path for path in (root / "sample_logs" / name).iterdir() if ".expected." not in path.name], name
    ):
        log = Log(one.segment, one.size, one.log_format, one.dialect)
        lines = content_of(log).split(b"\n")
        head = [Line(0, line) for line in takewhile(lambda line: line.startswith(b"#"), lines)]
        dialect = read_lines(log.log_format, log.dialect, head).dialect
        lines = [line for line in lines if line and not line.startswith(b"#")]
        if not lines or log.log_format.glance(dialect) is None:
            continue
        path.write_bytes(b"\n".join(broken(rng, rng.choice(lines)) for _ in range(60)))
        log = replace(log, segment=log.segment._replace(path=str(path), compression=Compression.NONE, member=""))
        fast, slow = (FirstLook(log, dialect, replace(looker, glances=one)) for one in (True, False))
        for look in (fast, slow):
            look.run(lambda _bytes: None)
        assert fast.inventory == slow.inventory
        assert (fast.lines, fast.unparsed) == (slow.lines, slow.unparsed)


def broken(rng, line):
    """A line with up to three pieces put in, taken out or replaced; never a header."""
    text = bytearray(line)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        at = rng.randrange(len(text) + 1)
        text[at : at + rng.randint(0, 2)] = rng.choice((*PIECES, b""))
    return bytes(text).removeprefix(b"#")
