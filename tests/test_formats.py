"""All formats: each one documented, each one with golden cases, each one readable back from its own example."""

import os
from dataclasses import replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import formats
from detector.events import Action, Col, Dialect, Kind, Line, LogFormat, Zone, from_iso, read_lines, timestamp
from detector.events.columns import LISTS, NUMBERS, TIMES
from detector.formats import format_named, own_formats

from golden import cases, dump, joined, lines_of, load, read_case  # isort: skip

FORMATS = own_formats()
CASES = [case for name in FORMATS for case in cases(name)]
AT = from_iso("2020-02-27T10:00:00Z")
NAME = "app.clearview.ai"
NONSENSE = [
    b"", b"\0", b"\xff\xfe", b"-", b'"', b"{", b"[", b"{}", b"[]", b" " * 9, b"\x1b[31m", b"a" * 70_000,
]  # fmt: skip
EVENTS = {
    Kind.PROXY: {
        Col.AT: AT, Col.SOURCE_IP: "10.0.0.7", Col.USER: "u1042", Col.METHOD: "GET", Col.DOMAIN: NAME,
        Col.URL: f"http://{NAME}/app/login", Col.STATUS: 200, Col.BYTES_SENT: 700, Col.BYTES_RECEIVED: 900,
    },
    Kind.DNS: {Col.AT: AT, Col.SOURCE_IP: "10.0.0.7", Col.QUESTION: NAME, Col.QUESTION_TYPE: "A"},
    Kind.MAIL: {
        Col.AT: AT, Col.FROM: "help@clearview.ai", Col.SENDER: "help@clearview.ai", Col.TO: ["u1042@example.org"],
        Col.SUBJECT: "Verify your email", Col.MESSAGE_ID: "m1@clearview.ai", Col.DIRECTION: "inbound",
    },
    Kind.LEASE: {
        Col.AT: AT, Col.SOURCE_IP: "10.0.0.7", Col.SOURCE_MAC: "00:00:5e:00:53:07", Col.HOST_NAME: "ws-0317",
        Col.START: AT, Col.END: AT + 3_600_000_000,
    },
    Kind.LOGIN: {Col.AT: AT, Col.SOURCE_IP: "10.0.0.7", Col.USER: "u1042"},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format_name}-{case.path.stem}")
def test_golden_case_reads_as_expected(case, accept):
    rows = read_case(FORMATS[case.format_name], case)
    if accept:
        case.expected_path.write_bytes(dump(rows))
    assert orjson.loads(orjson.dumps(rows)) == load(case.expected_path)


@pytest.mark.parametrize("name", FORMATS)
def test_format_is_documented_and_has_golden_cases(name):
    log_format = FORMATS[name]
    assert isinstance(log_format, LogFormat)
    assert log_format.name == name
    assert log_format.title
    assert "://" in log_format.reference
    assert isinstance(log_format.zone, Zone)
    assert Col.AT in log_format.columns
    found = [case.path.stem for case in cases(name)]
    assert len(found) >= 6, found
    assert len([stem for stem in found if stem.startswith("hostile_")]) >= 2, found


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format_name}-{case.path.stem}")
def test_columns_are_declared_and_typed(case):
    log_format = FORMATS[case.format_name]
    reading = read_lines(log_format, case.dialect, case.lines(log_format))
    assert set(reading.batch.columns) - {Col.TRANSACTION} <= log_format.columns
    for name, cells in reading.batch.columns.items():
        kind = list if name in LISTS else int if name in NUMBERS | TIMES else str
        assert {type(cell) for cell in cells if cell is not None} <= {kind, Action}, name


@pytest.mark.parametrize("name", [name for name, log_format in FORMATS.items() if log_format.kind in EVENTS])
def test_example_reads_back(name):
    log_format = FORMATS[name]
    event = EVENTS[log_format.kind]
    text = "\n".join(filter(None, (log_format.preamble, log_format.example(event))))
    dialect = Dialect(written_until=from_iso("2020-03-31T00:00:00Z"))
    reading = read_lines(log_format, dialect, lines_of(text.encode() + b"\n", log_format.layout))
    assert not reading.refusals
    batch = joined(log_format, reading.batch) if log_format.join else reading.batch
    assert len(batch) == 1
    read = next(batch.objects())
    told = (Col.SOURCE_IP, Col.DOMAIN, Col.QUESTION, Col.SENDER, Col.TO)
    if log_format.kind in (Kind.LEASE, Kind.LOGIN):
        told = (Col.SOURCE_IP, Col.SOURCE_MAC, Col.USER)
    for column in told:
        if column in event and column in log_format.columns:
            assert read[column.value] == event[column], column
    if Col.AT in event:
        assert read["@timestamp"].startswith("2020-02-27T10:00:00")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format_name}-{case.path.stem}")
def test_timestamp_agrees_with_parse(case):
    log_format = FORMATS[case.format_name]
    dialect = case.dialect
    for line in case.lines(log_format):
        reading = read_lines(log_format, dialect, [line])
        dialect = reading.dialect
        if len(reading.batch) and (at := reading.batch.column(Col.AT)[0]) is not None:
            assert timestamp(log_format, dialect, line.raw) == at


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("raw", NONSENSE)
def test_nonsense_is_refused_or_passed(name, raw):
    reading = read_lines(FORMATS[name], Dialect(), [Line(0, raw)])
    assert len(reading.batch) + reading.passed + len(reading.refusals) == 1
    assert len(reading.batch) == 0


_GOOD = b"1582797600.123     45 10.0.0.7 TCP_TUNNEL/200 5120 CONNECT www.example.com:443 u1042 HIER_DIRECT/192.0.2.1 -"
USUAL = st.builds(
    lambda changes: b" ".join(changes.get(at, cell) for at, cell in enumerate(_GOOD.split(b" "))),
    st.dictionaries(
        st.integers(0, 13),
        st.sampled_from((
            b"", b"-", b"1582797600", b"x", b"9", b"::1", b"TCP_DENIED/407", b"NONE/000", b"GET", b"http://A.b/c?d[e",
            b"a%20b", b"text/html", b"\xff", b"\xc3\xa9", b"[x", b"\t", b"CORP\\\\u", b"10.0.0.7 ", b"1582797600.1234",
            "\u0661.2.3.4".encode(), b"#",
        )),
        max_size=2,
    ),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(USUAL | st.sampled_from((b"", b"#", *NONSENSE)), min_size=1, max_size=8))
def test_lines_read_at_once_are_the_same_as_one_by_one(raws):
    lines = [Line(at * 1000, raw) for at, raw in enumerate(raws)]
    for log_format in (one for one in FORMATS.values() if one.block is not None):
        at_once, singly = (read_lines(one, Dialect(), lines) for one in (log_format, replace(log_format, block=None)))
        assert list(at_once.batch.objects()) == list(singly.batch.objects())
        assert (at_once.batch.offsets, at_once.batch.lines) == (singly.batch.offsets, singly.batch.lines)
        assert (at_once.passed, at_once.refusals, at_once.dialect) == (singly.passed, singly.refusals, singly.dialect)


def test_lines_read_at_once_and_one_by_one_make_one_batch():
    odd = _GOOD.replace(b"www", b"w w")
    for raws in ([_GOOD] * 64 + [odd] * 64 + [_GOOD] * 3, [odd] * 64 + [_GOOD] * 65):
        reading = read_lines(FORMATS["squid"], Dialect(), [Line(at, raw) for at, raw in enumerate(raws)])
        assert [one[Col.URL.value] for one in reading.batch.objects()] == [
            "www.example.com:443" if raw is _GOOD else "w w.example.com:443" for raw in raws
        ]
        assert {len(cells) for cells in reading.batch.columns.values()} == {len(raws)}


def test_what_is_remembered_of_formats_ends_with_a_change_of_a_grammar(tmp_path, monkeypatch):
    for name, at in (("formats/a.py", 1), ("grammars/b.py", 3), ("events/c.py", 5)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (at, at))
    monkeypatch.setattr(formats, "__path__", [str(tmp_path / "formats")])
    assert formats.source_stamp() == 3_000_000_000


def test_unknown_format_names_the_nearest():
    with pytest.raises(Exception, match="did you mean squid"):
        format_named("squit")
