"""Lines read at once are the same as lines read one by one, whatever they hold."""

import random
import re
from dataclasses import replace
from datetime import UTC
from unittest import mock

import pytest
from golden import cases, lines_of
from hypothesis import given
from hypothesis import strategies as st

from detector.events import Action, Col, Dialect, Envelope, Kind, Line, from_iso, read_lines, stamps
from detector.events.envelope import known_instant, peel
from detector.events.envelopes import known_instants, peel_all
from detector.formats import mail_headers, own_formats
from detector.grammars import (
    cef,
    columns,
    dns,
    kv,
    leef,
    mail,
    mailcolumns,
    maildate,
    mailtable,
    many,
    moments,
    records,
    sendmail,
    shapes,
    spellings,
    together,
    values,
    verdicts,
    zeekmails,
)
from detector.grammars.layouts import Layouts
from detector.grammars.sheets import Sheet
from detector.sources import laid_out

FORMATS = {name: one for name, one in own_formats().items() if one.block is not None}
MAILS_AT_ONCE = {"zeek_json"}
"""Formats of several kinds of logs, of which only the mails are read at once."""
UNTIL = from_iso("2020-03-31T00:00:00Z")
TAKEN = "from=<a@example.com>, size=1, class=0, nrcpts=1, msgid=<m1@example.com>, proto=ESMTP, relay=x [10.0.0.7]"
TRIED = "to=<u1042@example.org>, delay=00:00:01, mailer=local, pri=30, relay=x [10.0.0.8], dsn=2.0.0, stat=Sent (ok)"
HEADER = b"<134>Feb 27 10:00:00 gw1 product[7]: "


def same(log_format, dialect, raws):
    lines = [Line(number * 1000, raw) for number, raw in enumerate(raws)]
    at_once, singly = (read_lines(one, dialect, lines) for one in (log_format, replace(log_format, block=None)))
    assert list(at_once.batch.objects()) == list(singly.batch.objects())
    assert (at_once.batch.offsets, at_once.batch.lines) == (singly.batch.offsets, singly.batch.lines)
    assert (at_once.passed, at_once.refusals, at_once.dialect) == (singly.passed, singly.refusals, singly.dialect)
    return at_once


@pytest.mark.repeats
@pytest.mark.parametrize("name", FORMATS)
def test_golden_lines_in_any_order(name):
    log_format, rng = FORMATS[name], random.Random(name)
    for case in cases(name):
        raws = [line.raw for line in lines_of(case.path.read_bytes())]
        first = raws[0].decode("utf-8", "backslashreplace") if raws else ""
        dialect = log_format.head(first, case.dialect) or case.dialect
        many_times = [raw for raw in raws * (100 // max(len(raws), 1) + 1) if len(raw) < 100_000]
        rng.shuffle(many_times)
        same(log_format, dialect, [*many_times, b"", *raws[:3]])
        same(log_format, dialect, [raw.rstrip(b"\r") + b"\r" for raw in many_times])


@pytest.mark.parametrize("name", FORMATS)
def test_golden_lines_behind_syslog_headers(name):
    log_format = FORMATS[name]
    raws = [line.raw for case in cases(name) for line in lines_of(case.path.read_bytes()) if len(line.raw) < 100_000]
    dialect = Dialect(envelope=Envelope.TAGGED, written_until=UNTIL)
    same(log_format, dialect, [HEADER + raw for raw in raws if raw] * 2)
    same(log_format, dialect, [*(HEADER + raw for raw in raws), b"no header", b""])


@pytest.mark.parametrize("name", FORMATS)
def test_examples_are_read_at_once(name):
    log_format = FORMATS[name]
    row = {Col.AT: UNTIL, Col.SOURCE_IP: "10.0.0.7", Col.USER: "u1042"}
    mail_row = {Col.FROM: "a@example.com", Col.SENDER: "a@example.com", Col.SUBJECT: "x", Col.DIRECTION: "inbound"}
    usual = {Col.URL: "http://example.com/a", Col.APPLICATION: "Example"}
    kinds = {Kind.DNS: {Col.QUESTION: "example.com"}, Kind.MAIL: mail_row | {Col.TO: ["u1042@example.org"]}}
    row |= kinds.get(Kind.MAIL if name in MAILS_AT_ONCE else log_format.kind, usual)
    written = laid_out(log_format.example(row).encode(), log_format.layout).decode().rstrip()
    texts = [line for line in written.split("\n") if not line.startswith("#")] * 3
    dialect = read_lines(log_format, Dialect(), [Line(0, raw) for raw in log_format.preamble.encode().split(b"\n")])
    taken = log_format.block(texts, dialect.dialect)
    assert list(taken.places) == list(range(len(texts)))
    assert set(taken.columns[Col.AT]) == {log_format.parse(texts[0], dialect.dialect)[Col.AT]}


HEADED = st.sampled_from((
    "Feb 27 10:00:00 mx1 postfix/qmgr[7]: 4F3A2: removed", "<22>Feb 27 10:00:00 mx1: a", "Feb 30 10:00:00 a[7]: b",
    "2020-02-27T10:00:00.123+01:00 mx1 a: b", "<30>1 2020-02-27T10:00:00Z gw squid 12 - - 1582797600.1 5 x",
    "2020-02-27 10:00:00\tmail.info\tmx1\ta[7]: b", "2020-02-27 10:00:00 mx1 a[7]: b", "no header", "",
    "Feb 27 10:00:00 mx1 sendmail[7]: [ID 801593 mail.info] x0142", "Feb 27 10:00:00 mx1 a\nFeb 27 10:00:01 mx1 b",
    "2020-02-27T25:00:00Z mx1 a: b", "Feb 27 10:00:00", "Feb 27 10:00:00 \u2028mx1 a: b", "<22>a[7]: b", "<22>b",
    "Feb 27 10:00:01 gw1 <22>Feb 27 10:00:00 mx1 a[7]: b", "Feb 27 10:00:01 gw1 a:<22>Feb 27 10:00:00 mx1 a: b",
    "Feb 27 10:00:01 gw1 <22>1 2020-02-27T10:00:00Z gw squid 12 - - b", "Feb 27 10:00:00 mx1 <b>c", "<22>1 2020 b",
    "<22>Feb 27 2020 10:00:00 gw1 : b", "2020 Feb 27 10:00:00 gw1->/var/log/a.log b", "2020 Feb 27 10:00:00 b",
    "2020 Feb 27 10:00:00 (gw1) 192.0.2.1->/var/log/a.log Feb 27 09:59:59 mx1 a[7]: b",
))  # fmt: skip


@pytest.mark.parametrize("envelope", [Envelope.SYSLOG, Envelope.TAGGED])
@given(texts=st.lists(HEADED, min_size=1, max_size=4))
def test_many_headers_are_the_same_as_each(envelope, texts):
    headers, at_once = [peel(text, envelope) for text in texts], peel_all(texts, envelope)
    dialect = Dialect(written_until=UNTIL)
    if None in headers:
        assert at_once is None
    else:
        assert list(zip(*at_once, strict=True)) == headers
        assert known_instants(at_once.ats, dialect) == [known_instant(header, dialect) for header in headers]


def test_lines_that_are_no_events_are_read_once():
    log_format, kept = FORMATS["sendmail"], "to=<u1042@example.org>, mailer=local, dsn=2.0.0, stat=Sent"
    texts = [f"Feb 27 10:00:00 mx1 sendmail[7]: 01RA00u1042: {told}" for told in (kept, "pause", kept)]
    taken = log_format.block(texts, Dialect())
    assert (taken.places, taken.passed) == ([0, 2], [1])
    assert same(log_format, Dialect(), [text.encode() for text in texts]).passed == 1
    assert same(log_format, Dialect(), [texts[1].encode()] * 3).passed == 3
    assert same(log_format, Dialect(envelope=Envelope.SYSLOG), [texts[1].encode()] * 3).passed == 3
    mixed = same(FORMATS["postfix"], Dialect(), [b"Feb 27 10:00:00 mx1 a[7]: b", b"Feb 27 10:00:00 4F3A2: to=", b""])
    assert (mixed.passed, len(mixed.refusals)) == (2, 1)


def test_a_host_stands_before_the_id_of_its_transaction_however_often_a_line_is_relayed():
    raw = b"Feb 27 10:00:00 mx1 postfix/qmgr[7]: 4F3A2: from=<a@example.com>, size=1, nrcpt=1"
    once = same(FORMATS["postfix"], Dialect(), [raw])
    twice = same(FORMATS["postfix"], Dialect(envelope=Envelope.SYSLOG), [b"Feb 27 10:00:00 relay " + raw])
    assert [one.batch.columns[Col.TRANSACTION] for one in (once, twice)] == [["mx1 4F3A2"], ["relay mx1 4F3A2"]]


OF_SENDMAIL = st.lists(
    st.sampled_from((
        "from=<a@example.com>", "from=<a=b@example.com>", "from=a@example.com", "size=1", "class=0", "nrcpts=1",
        "msgid=<m1@example.com>", "msgid=<m=1@example.com>", "msgid=m1", "proto=ESMTP", "daemon=MTA",
        "relay=mx.example.net [10.0.0.7]", "relay=[IPv6:2001:db8::7]", "relay=local", "to=<u@example.org>", "to=u",
        "to=<u@example.org>,<v@example.org>", "stat=queued", "ctladdr=<a@example.com> (7/7)", "delay=00:00:01", "pri=3",
        "mailer=local", "mailer=esmtp", "dsn=2.0.0", "dsn=5.1.1", "dsn=4.0.0", "stat=Sent (ok)", "stat=User unknown",
    )),
    max_size=4,
)  # fmt: skip


@given(head=st.sampled_from(("", TAKEN, TRIED)), more=OF_SENDMAIL, tail=st.sampled_from(("", TAKEN, TRIED)))
def test_sendmails_usual_lines_say_what_a_search_finds(head, more, tail):
    told = ", ".join(part for part in (head, *more, tail) if part)
    never = re.compile("(?!)")
    with mock.patch.multiple(sendmail, _USUAL_SENDER=never, _USUAL_TRY=never):
        searched = sendmail.fragment("01RA00u1042", told)
    assert sendmail.fragment("01RA00u1042", told) == searched


ODD = st.sampled_from((
    "", "-", "\0", "a\0b", "10.0.0.7", "10.0.0.7 ", "10.0.0.7:80", "[2001:DB8::7]:443", "\u0661.2.3.4", "u1042", "None",
    "UNKNOWN", "n/a", "Jane Doe", "CORP\\u1042", '"u1"', "WWW.Example.com.", "example.com", "example.com:443", "a@b.c",
    "http://u@Example.com:8443/a?b=//c", "https://example.com", "http://example.com\0http://example.org", "/a", "//a/b",
    "urn:x", "http://-/", "http://a./", "http:/x", "http", "-a", "_a.b", "0700", "1" * 18, "1" * 19, "\u0661", "-1",
    "\u212a.example.com", "http://[2001:db8::7]/a", "http://a.b#c", "http://a.b\\c", "a.b?c", "a..b", "null", "Na",
    "A@B.Example", "a@b.example", "a@b..c", "'a@b'", "a@b.", "a@-", "=?utf-8?Q?H=C3=A9?=", "x@" + "a" * 260,
    "y" * 130 + "@b", "mx [10.0.0.7]", "[10.0.0.7]", "[a[10.0.0.7]", "[1.2.3.4][10.0.0.7]", "a@.b", "a@b.", "a@.",
))  # fmt: skip
USUAL = st.sampled_from(("10.0.0.7", "u1042", "www.example.com", "http://www.example.com/a", "700"))
TEXTS = st.lists(USUAL | ODD | st.text(max_size=8), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("read", "read_all"),
    [
        (values.address, many.addresses), (values.client, many.clients), (values.endpoint, many.endpoints),
        (dns.name, many.names), (values.bracketed, many.bracketed),(values.user, many.users),
        (values.host, many.hosts), (values.host_of_url, many.hosts_of_urls), (values.size, many.sizes),
        (dns.name, many.distinct(dns.name)), (mail.address, many.mailboxes), (mail.addresses, many.lists_of_mailboxes),
        (mail.decode_subject, many.subjects),
    ],
)  # fmt: skip
@given(texts=TEXTS)
def test_many_values_are_the_same_as_each(read, read_all, texts):
    assert list(read_all(texts)) == [read(text) for text in texts]


OF_RECEIVED = st.lists(
    st.sampled_from((
        "from ", "by ", "By ", " by ", "relay", "mx1.example.org ", "(", ")", "[", "]", "(relay [10.0.0.7])",
        " ([10.0.0.8]) ", "(HELO x)", "IPv6:2001:db8::7", "10.0.0.9", "\t", "\0", "; Thu, 27 Feb 2020 08:00:00 +0000",
    )),
    max_size=8,
).map("".join)  # fmt: skip
RECEIVED = st.just("from relay (relay [10.0.0.7])\tby mx1; Thu") | OF_RECEIVED | OF_RECEIVED.map("from relay ".__add__)


@given(texts=st.lists(RECEIVED, min_size=1, max_size=3))
def test_who_brought_many_mails_is_who_brought_each(texts):
    read = next(step.read for step in mail_headers.FORMAT.parse.__self__.table.steps if step.column is Col.SOURCE_IP)
    assert list(read.all(texts)) == [read(text) for text in texts]


@given(
    day=st.sampled_from(("", "Thu, ", "thu, ", "Thu ")),
    date=st.sampled_from(("27 Feb 2020", "30 Feb 2020", "1 mar 20")),
    clock=st.sampled_from(("08:00:00", "24:00:00", "08:00:60", "8:00")),
    zone=st.sampled_from(("", " +0000", " -0130", " +9999", " +0100 (CET)", " EST", " GMT")),
)  # fmt: skip
def test_a_usual_date_of_a_mail_is_the_date_that_a_search_finds(day, date, clock, zone):
    text = f"{day}{date} {clock}{zone}"
    with mock.patch.object(maildate, "_USUAL", re.compile("(?!)")):
        searched = maildate.instant(text, UTC)
    assert maildate.instant(text, UTC) == searched


def table_of(asked, needs=(), kind=None):
    return records.table(
        {
            Col.SOURCE_IP: "net.src src", Col.USER: "user name", Col.URL: "url", Col.DOMAIN: "host", Col.STATUS: "code",
            Col.SERVER_NAME: "sni", Col.QUESTION: "q", Col.BYTES_SENT: "out",
        },
        when=moments.first(
            moments.stamp("t net.t"),
            moments.parts("day", "clock"),
            spellings.spelled("sni src", lambda text, _dialect: len(text) if text[:1] == "1" else None),
            spellings.written("q host"),
            lambda cells, _dialect: 7 if "url" in cells else None,
        ),
        verdict=verdicts.either(
            verdicts.verdict("deny net.act", denied="yes"),
            together.together("code net.act", lambda code, act: Action.DENIED if code + act == "200yes" else None),
            lambda cells: Action.ALLOWED if "user" in cells else None,
        ),
        later={Col.DOMAIN: "late"},
        derived={Col.METHOD: lambda cells: "GET" if "url" in cells else None},
        scheme="proto", asked=asked, needs=needs, kind=kind,
    )  # fmt: skip


CELL = (
    USUAL
    | ODD
    | st.sampled_from((407, 200, True, None, 7.5, ["10.0.0.7"], {}, "407", "yes", "2020-02-27T10:00:00Z"))
    | st.sampled_from(("1582797600123", "1582797600", "2020-02-27", "10:00:00.25"))
)
CELLS = st.dictionaries(
    st.sampled_from(
        (
            "src",
            "user",
            "name",
            "url",
            "host",
            "code",
            "sni",
            "q",
            "out",
            "t",
            "deny",
            "late",
            "proto",
            "day",
            "clock",
        )
    ),
    CELL,
    max_size=8,
) | st.builds(lambda src, act, at: {"net": {"src": src, "act": act, "t": at}}, CELL, CELL, CELL)


@pytest.mark.parametrize("asked", records.Asked)
@given(several=st.lists(CELLS, min_size=1, max_size=5))
def test_columns_of_many_records_are_the_rows_of_each(asked, several):
    table = table_of(asked, kind=Kind.DNS if asked is records.Asked.SAME else None)
    found = columns.columns(table, Sheet(several), Dialect())
    for at, cells in enumerate(several):
        row = {column: cell[at] for column, cell in found.items() if cell[at] is not None}
        assert row == table.row(cells, Dialect())


CEF, LEEF = "CEF:0|Vendor|Product|1|100|visit|3|", "LEEF:2.0|Vendor|Product|1|100|^|"
SHAPES = {
    "blanks": (shapes.quoted(), kv.quoted, "", " "),
    "commas": (shapes.quoted(","), lambda line: kv.quoted(line, ","), "", ","),
    "bars": (shapes.cut("|"), lambda line: kv.cut(line, "|"), "", "|"),
    "tabs": (shapes.cut("\t"), lambda line: kv.cut(line, "\t"), "", "\t"),
    "open": (shapes.opened, kv.opened, "", " "),
    "CEF": (shapes.cef_message, lambda line: cef.find(line).fields, CEF, " "),
    "CEF behind a header": (shapes.cef_message, lambda line: cef.find(line).fields, f"<134>gw1 {CEF}", " "),
    "LEEF": (shapes.leef_message, lambda line: leef.find(line).fields, LEEF, "^"),
}
PLAIN = st.sampled_from(("10.0.0.7", "u1042", "", "http://www.example.com/a?b=c", "-"))
STRANGE = st.sampled_from((
    "a b", " a", "a ", "x=y", "b c=d", 'q"q', '"a b"', '""', '"', "a,b", "a|b", "a\tb", "a\\=b", "a\\", "\u00a0",
    "a\u00a0", "usr=1", "a usr=1", "a^b", '"a=b"', '"a\\"b"', "a  b", "b=", "=", '"a" "b"', "\u2028b", "\x1f",
))  # fmt: skip


def line_of(start, separator, cells):
    names = ("src", "usr", "cs1Label", "cs1")
    return start + separator.join(f"{name}={cell}" for name, cell in zip(names, cells, strict=True))


@pytest.mark.parametrize("name", SHAPES)
@given(
    drawn=st.tuples(PLAIN, PLAIN, st.just("unit"), PLAIN),
    others=st.lists(st.tuples(*[PLAIN | STRANGE] * 2, st.sampled_from(("unit", "x")), PLAIN | STRANGE), max_size=6),
)
def test_a_layout_takes_no_line_that_is_read_otherwise(name, drawn, others):
    shape, read, start, separator = SHAPES[name]
    layouts = Layouts((shape,))
    lines = [line_of(start, separator, cells) for cells in (drawn, *others)]
    for _ in range(2):
        layouts.draw(lines[0], read(lines[0]), Dialect())
    sheets, left = layouts.split(lines, Dialect())
    taken = {place: record for places, sheet in sheets for place, record in zip(places, sheet.records, strict=True)}
    assert 0 in taken
    assert sorted([*taken, *left]) == list(range(len(lines)))
    for place, record in taken.items():
        assert record == read(lines[place])


def test_what_decides_and_what_a_header_says_stands_in_a_layout():
    layouts = Layouts((shapes.cef_message,), "type")
    lines = [line.replace("|100|", f"|{event}|") for line in (f"{CEF}type=a src=1",) for event in ("100", "101")]
    lines += [lines[0].replace("type=a", "type=b"), lines[0].replace("src=1", "src=2")]
    for _ in range(2):
        layouts.draw(lines[0], {"type": "a", "src": "1", "event": "100"}, Dialect())
    sheets, left = layouts.split(lines, Dialect())
    assert [(places, sheet.records) for places, sheet in sheets] == [
        ([0, 3], [{"type": "a", "src": "1", "event": "100"}, {"type": "a", "src": "2", "event": "100"}])
    ]
    assert left == [1, 2]
    assert Layouts(()).split(lines, Dialect()) == ([], [0, 1, 2, 3])


@pytest.mark.parametrize("record", [{"src": "1", "more": "of the line"}, {"src": "other"}])
def test_records_that_hold_more_than_the_cells_have_no_layout(record):
    layouts = Layouts((shapes.opened,))
    for _ in range(3):
        layouts.draw("src=1", record, Dialect())
    assert layouts.split(["src=1"], Dialect()) == ([], [0])


def test_layouts_that_are_not_in_use_are_forgotten():
    layouts = Layouts((shapes.opened,))
    for number in range(300):
        for _ in range(2):
            layouts.draw(f"a{number}=1", {f"a{number}": "1"}, Dialect())
    known = [number for number in range(300) if layouts.split([f"a{number}=1"], Dialect())[0]]
    assert 10 < len(known) < 40
    assert known[-1] == 299


@given(st.lists(st.sampled_from((
    "1582797600", "1582797601", "1582797600123", "2020-02-27T10:00:00Z", "2020-02-27 10:00:00", "2020/02/27 10:00:00",
    "2020-02-27T10:00:00.5Z", "2020-02-27T10:00:60Z", "2020-02-27T10:00:00+01:00", "", "\u0661" * 10,
    "2020-13-27T10:00:00Z", "1582797600.123", "1582797600.1234", "2020-02-27T10:00:00,25+0100", "1582797600123456",
    1582797600, 1582797600.5, None, "x" * 20, True,
)), min_size=1, max_size=4))  # fmt: skip
def test_many_stamps_are_the_same_as_each(cells):
    expected = [moments.instant(cell, UTC) if cell else None for cell in cells]
    assert moments.instants(cells, UTC) == expected


MAILS = mailtable.table(
    {
        Col.SOURCE_IP: "client.ip ip", Col.FROM: "from", Col.FROM_NAME: "from",
        Col.SENDER: "info.sender.address sender", Col.TO: "info.to.address rcpt +cc",
        Col.SUBJECT: "subject", Col.MESSAGE_ID: "id",
    },
    when=moments.stamp("t"),
    verdict=verdicts.verdict("act", denied="reject", allowed="accept"),
    direction=mailtable.word("dir info.dir", mailtable.DIRECTIONS),
    authentication=together.together("info.dir id dir", lambda *said: "+".join(said) or None),
    derived={Col.TRANSACTION: lambda cells: "alone" if "id" in cells else None},
)  # fmt: skip
ADDRESS = st.sampled_from(
    ("a@example.com", "B <b@Example.org>", "<>", "", "-", "none", "c@d.org, e@f.org", '"x" <y@z.org>')
)
TEXT = ADDRESS | st.sampled_from((None, 7, True, ["a@example.com", ["b@example.org"]], {}, "IN", "outbound", ["in"]))
MAIL = st.fixed_dictionaries({}, optional={
    "from": TEXT, "sender": TEXT, "rcpt": TEXT, "cc": TEXT, "subject": TEXT, "id": TEXT, "dir": TEXT,
    "act": TEXT | st.just("Rejected"),
    "ip": TEXT | st.just("10.0.0.7"), "t": st.sampled_from((1582797600, "2020-02-27T10:00:00Z", "x")),
    "client": TEXT | st.fixed_dictionaries({"ip": st.just("10.0.0.8")}), "info.dir": TEXT,
    "info": TEXT | st.fixed_dictionaries({}, optional={
        "dir": TEXT, "sender": TEXT | st.fixed_dictionaries({"address": TEXT}),
        "to": st.lists(TEXT | st.fixed_dictionaries({"address": TEXT}), max_size=3),
    }),
})  # fmt: skip


@given(several=st.lists(MAIL, min_size=1, max_size=5))
def test_columns_of_many_mails_are_the_rows_of_each(several):
    found = mailcolumns.columns(MAILS, Sheet(several), Dialect())
    for at, cells in enumerate(several):
        row = {column: cell[at] for column, cell in found.items() if cell[at] is not None}
        assert row == MAILS.row(cells, Dialect())


@pytest.mark.parametrize("name", ["isc_dhcpd_leases", "freeradius_detail"])
def test_header_lines_in_a_row_are_the_same_as_one_by_one(name):
    log_format, row = own_formats()[name], {Col.AT: UNTIL, Col.SOURCE_IP: "10.0.0.7", Col.USER: "u1042"}
    record = [line.encode() for line in log_format.example(row).split("\n")]
    for raws in (
        [record[0]] * 200,
        [*[record[0]] * 130, *record, record[0], b"", *[record[0]] * 70],
        [record[0] + b"\r"] * 3,
    ):
        lines = [Line(number * 1000, raw) for number, raw in enumerate(raws)]
        found, singly = (
            read_lines(one, Dialect(), lines) for one in (log_format, replace(log_format, heads=lambda *_: None))
        )
        assert (found.dialect, found.passed, list(found.batch.objects())) == (
            singly.dialect, singly.passed, list(singly.batch.objects()),
        )  # fmt: skip
        assert found.dialect.columns


@given(st.text("0123456789:,.+Z ]-", max_size=12))
def test_stamps_with_any_ending_are_read_as_without_the_short_way(ending):
    for read, text in (
        (stamps.iso, "2020-02-27T10:00:"),
        (stamps.clf, "27/Feb/2020:10:00:"),
        (stamps.clf, "[27/Feb/2020:10:00:"),
    ):
        whole = getattr(stamps, f"_{read.__name__}").__wrapped__
        found, expected = (outcome(one, text + ending) for one in (read, whole))
        assert found == expected


def outcome(read, text):
    try:
        return read(text, UTC)
    except ValueError:
        return None


def test_a_layout_is_drawn_of_lines_of_usual_size_only_and_under_few_headers():
    layouts = Layouts((shapes.opened,))
    wide, long = " ".join(f"a{at}=1" for at in range(200)), "a=" + "x" * 10_000
    for line in (wide, wide, long, long, "a=1 a=2", "a=1 a=2"):
        layouts.draw(line, kv.opened(line), Dialect())
        assert layouts.split([line], Dialect()) == ([], [0])
    for number in range(100):
        for _ in range(2):
            layouts.draw("a=1", {"a": "1"}, Dialect(columns=(str(number),)))
    known = [n for n in range(100) if layouts.split(["a=1"], Dialect(columns=(str(n),)))[0]]
    assert 0 < len(known) < 30
    assert known[-1] == 99


@pytest.mark.parametrize("more", ["", "1"])
def test_records_with_what_no_header_says_have_no_layout(more):
    layouts = Layouts((shapes.opened,))
    for _ in range(2):
        layouts.draw("a=1", {"a": "1", "more": more}, Dialect())
    assert layouts.split(["a=1"], Dialect()) == ([], [0])


MAIL_CELL = USUAL | ODD | st.sampled_from((
    None, 7, "(empty)", "A <a@b.example>", "a@b.example (Ann)", "a\\x40b@c.example", "<1@b>", "250 ok", "550 no",
    "220 go", ["a@b.example"], ["<A@b.example>", "a@b.example"], ["-"], [], [7], "a@b.example,c@d.example",
))  # fmt: skip


@given(
    mails=st.lists(st.tuples(*[MAIL_CELL] * (len(zeekmails.FIELDS) + 2)), min_size=1, max_size=4),
    usual=st.sets(st.integers(0, len(zeekmails.FIELDS) + 1)),
)
def test_mails_of_zeek_are_the_same_as_each(mails, usual):
    said = (
        1582797600.5, "10.0.0.7", "a@b.example", ["u1@c.example"], "a@b.example", "c@d.example", "e@f.example", "Hi",
        "<1@b>", "250 ok", "mutt",
    )  # fmt: skip
    mails = [tuple(said[at] if at in usual else cell for at, cell in enumerate(mail)) for mail in mails]
    found = zeekmails.columns(list(zip(*mails, strict=True)), UTC)
    rows = [{name: cells[at] for name, cells in found.items() if cells[at] is not None} for at in range(len(mails))]
    assert rows == [zeekmails.read(mail, UTC) for mail in mails]


@pytest.mark.parametrize("stamp", [
    "2020-02-27T10:00:00.1234567890Z", "2020-02-27T10:00:00.123456789Z", "2020/02/27 10:00:00", "2020-02/27 10:00:00",
    "2020/02-27 10:00:00.5", "2020-02-27 10:00:00,25", "2020-02-27T10:00:00.Z", "2020-02-27T10:00:60Z",
])  # fmt: skip
def test_stamps_of_one_shape_are_read_as_each_by_itself(stamp):
    assert moments.instants([stamp] * 3, UTC) == [moments.instant(stamp, UTC)] * 3
