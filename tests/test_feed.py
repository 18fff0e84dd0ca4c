"""Column maps of a site's own feeds: what they read, what they refuse, and that they can be wrong."""

import time

import pytest

from detector.errors import UsageError
from detector.events import Col, Dialect, Kind, Zone, from_iso, read_lines, timestamp
from detector.grammars.feed import Feed, feed_format

from golden import lines_of  # isort: skip

WRITTEN_UNTIL = from_iso("2020-03-31T00:00:00Z")
AT = "2020-02-27T10:00:00Z"
PROXY_FIELDS = {
    "@timestamp": "when", "source.ip": "client", "user.name": "who", "url.full": "url", "http.request.method": "verb",
    "http.response.status_code": "code", "http.request.bytes": "up", "http.response.bytes": "down",
    "user_agent.original": "agent",
}  # fmt: skip
PROXY = Feed(
    kind="proxy", syntax="csv", fields=PROXY_FIELDS,
    denied={"verdict": ["Block", "drop"]}, challenge={"verdict": ["login"]},
)  # fmt: skip
HEADER = "when,client,who,url,verb,code,up,down,agent,verdict"
LINE = "2020-02-27T10:00:00Z,10.0.3.17,u1042,https://www.Clearview.ai/app,POST,200,481223,17,curl/7.68,allow"
KV = Feed(
    kind="proxy", syntax="kv", time="epoch",
    fields={
        "@timestamp": "t", "source.ip": "src", "user.name": ["user", "login"], "url.domain": "host",
        "user_agent.original": "ua",
    },
    denied={"action": ["deny"]},
)  # fmt: skip
JSON = Feed(
    kind="dns", syntax="ndjson", time="epoch",
    fields={
        "@timestamp": "time", "source.ip": ["net.client", "client"], "dns.question.name": "q.name",
        "dns.question.type": "q.type",
    },
    denied={"q.verdict": ["sinkhole"]},
)  # fmt: skip
MAIL = Feed(
    kind="mail", syntax="csv", delimiter="\t", quote="", time="%d.%m.%Y %H:%M:%S",
    columns=("stamp", "envelope", "from", "rcpts", "title", "id", "result"),
    fields={
        "@timestamp": "stamp", "email.sender.address": "envelope", "email.from.address": "from",
        "email.to.address": "rcpts", "email.subject": "title", "email.message_id": "id",
    },
    denied={"result": ["bounced"]}, constants={"email.direction": "inbound"},
)  # fmt: skip
DNS_SYSLOG = Feed(
    kind="dns", syntax="kv", pair_separator=";", value_separator=":", time="syslog",
    fields={"@timestamp": "on", "source.ip": "peer", "dns.question.name": "name"},
)  # fmt: skip


def read(feed, text, **dialect):
    raw = text if isinstance(text, bytes) else text.encode()
    return read_lines(feed_format("site", feed), Dialect(written_until=WRITTEN_UNTIL, **dialect), lines_of(raw))


def events(feed, text, **dialect):
    reading = read(feed, text, **dialect)
    assert not reading.refusals, reading.refusals
    rows = list(reading.batch.objects())
    for row in rows:
        assert row.pop("event.dataset") == "site"
        assert row.pop("event.kind") == feed.kind
    return rows


GOLDEN = {
    "csv_with_header": (PROXY, f"{HEADER}\n{LINE}\n", {
        "@timestamp": AT, "source.ip": "10.0.3.17", "user.name": "u1042", "url.full": "https://www.Clearview.ai/app",
        "url.domain": "www.clearview.ai", "http.request.method": "POST", "http.response.status_code": 200,
        "http.request.bytes": 481223, "http.response.bytes": 17, "user_agent.original": "curl/7.68",
        "event.type": "allowed",
    }),
    "csv_quoted_with_denied": (
        PROXY, f'{HEADER}\n{AT},10.0.3.17:50123,-,app.clearview.ai:443,CONNECT,403,,0,"Mozilla, ""x""",BLOCK\n', {
        "@timestamp": AT, "source.ip": "10.0.3.17", "url.full": "app.clearview.ai:443",
        "url.domain": "app.clearview.ai", "http.request.method": "CONNECT", "http.response.status_code": 403,
        "http.response.bytes": 0, "user_agent.original": 'Mozilla, "x"', "event.type": "denied",
    }),
    "kv_quoted_values": (
        KV, r'gw1 t=1582797600 src=10.0.3.17 login=u1042 host=Clearview.ai. ua="a \"b\" c=d" action=deny', {
        "@timestamp": AT, "source.ip": "10.0.3.17", "user.name": "u1042", "url.domain": "clearview.ai",
        "user_agent.original": 'a "b" c=d', "event.type": "denied",
    }),
    "ndjson_nested_paths": (
        JSON,
        '{"time":1582797600.5,"net":{"client":"10.0.3.17"},"q":{"name":"Clearview.AI.","type":"A","verdict":"ok"}}', {
        "@timestamp": "2020-02-27T10:00:00.500Z", "source.ip": "10.0.3.17", "dns.question.name": "clearview.ai",
        "dns.question.type": "A", "event.type": "allowed",
    }),
    "mail_with_fixed_columns": (
        MAIL,
        "27.02.2020 10:00:00|b@mail.clearview.ai|Clearview <Help@Clearview.ai>|u1042@example.org; u1043@example.org|"
        "=?UTF-8?Q?D=C3=A9mo?=|<m1@clearview.ai>|bounced".replace("|", "\t"), {
        "@timestamp": AT, "email.sender.address": "b@mail.clearview.ai", "email.from.address": "help@clearview.ai",
        "email.from.name": "Clearview", "email.to.address": ["u1042@example.org", "u1043@example.org"],
        "email.subject": "Démo", "email.message_id": "m1@clearview.ai", "email.direction": "inbound",
        "event.type": "denied",
    }),
    "dns_without_a_year": (DNS_SYSLOG, "on:Dec 31 23:59:59;peer:2001:db8::7;name:clearview.ai", {
        "@timestamp": "2019-12-31T23:59:59Z", "source.ip": "2001:db8::7", "dns.question.name": "clearview.ai",
    }),
}  # fmt: skip


@pytest.mark.parametrize("case", GOLDEN)
def test_golden(case):
    feed, text, expected = GOLDEN[case]
    assert events(feed, text) == [expected]


EXAMPLE = {
    Kind.PROXY: {
        Col.AT: from_iso(AT), Col.SOURCE_IP: "10.0.0.7", Col.USER: "u1042", Col.METHOD: "POST",
        Col.DOMAIN: "app.clearview.ai", Col.URL: 'https://app.clearview.ai/a,"b" c', Col.BYTES_SENT: 700,
    },
    Kind.DNS: {Col.AT: from_iso(AT), Col.SOURCE_IP: "10.0.0.7", Col.QUESTION: "app.clearview.ai"},
    Kind.MAIL: {
        Col.AT: from_iso(AT), Col.FROM: "help@clearview.ai", Col.SENDER: "b@clearview.ai",
        Col.TO: ["u1@example.org", "u2@example.org"], Col.SUBJECT: "Verify, now",
    },
}  # fmt: skip


@pytest.mark.parametrize("action", ["allowed", "denied"])
@pytest.mark.parametrize("feed", [PROXY, KV, JSON, MAIL, DNS_SYSLOG], ids=["csv", "kv", "json", "tsv", "syslog"])
def test_example_reads_back(feed, action):
    log_format = feed_format("site", feed)
    row = {**EXAMPLE[Kind(feed.kind)], Col.ACTION: action}
    text = "\n".join(filter(None, (log_format.preamble, log_format.example(row))))
    reading = read_lines(log_format, Dialect(written_until=WRITTEN_UNTIL), lines_of(text.encode()))
    assert not reading.refusals
    batch = reading.batch
    assert len(batch) == 1
    assert set(batch.columns) <= log_format.columns
    for column, value in row.items():
        if column in log_format.columns:
            assert batch.column(column)[0] == value, column
    assert (
        timestamp(log_format, Dialect(written_until=WRITTEN_UNTIL, columns=reading.dialect.columns), batch.lines[0])
        == row[Col.AT]
    )


@pytest.mark.parametrize(
    "row", [{}, {Col.DOMAIN: "clearview.ai"}, {Col.USER: "a\nb"}, {Col.URL: "http://clearview.ai/\r\nx"}]
)
def test_example_of_any_row_is_one_line(row):
    for feed in (PROXY, KV):
        log_format = feed_format("site", feed)
        line = log_format.example(row)
        assert "\n" not in line
        if Col.DOMAIN in row:
            assert b"clearview.ai" in line.encode()


def test_header_in_mid_file_may_have_other_columns():
    rows = events(
        PROXY,
        f"{HEADER}\n{LINE}\n{HEADER}\n{LINE}\nurl,verdict,extra,client,when\nexample.com,login,x,10.0.3.18,{AT}\n",
    )
    assert [row.get("url.domain") for row in rows] == ["www.clearview.ai", "www.clearview.ai", "example.com"]
    assert rows[2] == {
        "@timestamp": AT,
        "source.ip": "10.0.3.18",
        "url.full": "example.com",
        "url.domain": "example.com",
        "event.type": "challenge",
    }


def test_header_is_found_by_its_literals_only():
    log_format = feed_format("site", PROXY)
    assert log_format.head_literals == (b"when",)
    assert log_format.head("\ufeff" + HEADER, Dialect()) is not None or log_format.head(HEADER, Dialect()) is not None
    assert log_format.head("when,nothing,else", Dialect()) is None
    assert log_format.head(LINE, Dialect()) is None


def test_csv_without_a_header_is_refused_and_says_so():
    reading = read(PROXY, LINE)
    assert [refusal.reason for refusal in reading.refusals] == ["no CSV header before this line"]


def test_hostile_quotes_never_swallow_another_line():
    text = f"{HEADER}\n{LINE.replace('curl', chr(34) + 'curl')}\n{LINE.replace('u1042', 'u' + chr(34))}\n{LINE}\n"
    rows = events(PROXY, text)
    assert [row["url.domain"] for row in rows] == ["www.clearview.ai"] * 3
    assert rows[0]["user_agent.original"] == '"curl/7.68'
    assert rows[1]["user.name"] == "u"


def test_hostile_cell_counts_are_refused_but_empty_cells_behind_are_not():
    cut = LINE.rsplit(",", 2)[0]
    reading = read(PROXY, f"{HEADER}\n{cut}\n{LINE},\n{LINE},x\n")
    assert len(reading.batch) == 1
    assert {refusal.reason for refusal in reading.refusals} == {"another number of cells than the header has"}
    assert len(reading.refusals) == 2


def test_hostile_bytes_keep_the_line():
    agents = [b"a\0b", b"\xff\xfe", b"lone\rcr", "ls\u2028nel\x85.".encode(), b"\x1b[31m", b'"q,\rr"']
    text = HEADER.encode() + b"\n" + b"\r\n".join(LINE.encode().replace(b"curl/7.68", agent) for agent in agents)
    rows = events(PROXY, text)
    assert [row["user_agent.original"] for row in rows] == [
        "ab",
        "\\xff\\xfe",
        "lone\rcr",
        "ls\u2028nel\x85.",
        "\x1b[31m",
        "q,\rr",
    ]
    assert {row["url.domain"] for row in rows} == {"www.clearview.ai"}


def test_hostile_numbers_and_times_cost_their_column_only():
    line = LINE.replace("200,481223,17", f"{'9' * 5000},-1,1e9").replace(AT, "27 Feb")
    (row,) = events(PROXY, f"{HEADER}\n{line}\n")
    assert row == {"source.ip": "10.0.3.17", "user.name": "u1042", "url.full": "https://www.Clearview.ai/app",
                   "url.domain": "www.clearview.ai", "http.request.method": "POST", "user_agent.original": "curl/7.68",
                   "event.type": "allowed"}  # fmt: skip


def test_hostile_pairs_forge_nothing():
    (row,) = events(KV, 't=1582797600 src=10.0.3.17 host=clearview.ai ua="open host=example.com src=192.0.2.1')
    assert (row["url.domain"], row["source.ip"], row["user_agent.original"]) == ("clearview.ai", "10.0.3.17", '"open')
    assert events(KV, "src=10.0.3.17 login= ua=x")[0] == {"source.ip": "10.0.3.17", "user_agent.original": "x"}


@pytest.mark.parametrize(
    "piece", ['a="', 'a="\\"', "a ", "a=", '"', "= ", "\\", 'a="b"c ', " ", "\t", ";", "; ", "a;", ":"]
)
def test_hostile_pairs_take_linear_time(piece):
    start = time.process_time()
    read(KV, "src=10.0.3.17 " + piece * 100_000)
    read(DNS_SYSLOG, "peer:10.0.3.17;" + piece * 100_000)
    assert time.process_time() - start < 3


def test_hostile_json_is_refused_or_mended():
    reading = read(JSON, b'[]\nnull\n{}\n{"time":1\n{"q":{"name":{"a":1}},"client":[]}\n'
                         b'{"time":1582797600,"client":"10.0.3.17","q":{"name":"clearview.ai","x":"\xff\t\\ud800"}}\n'
                         b'{"time":' + b"9" * 5000 + b',"q.name":"clearview.ai"}\n'
                         + b'{"q":' * 9000 + b"\n")  # fmt: skip
    assert len(reading.refusals) == 6
    assert list(reading.batch.column(Col.QUESTION)) == ["clearview.ai", "clearview.ai"]
    assert list(reading.batch.column(Col.AT)) == [from_iso(AT), None]


def test_json_lists_give_all_recipients_but_one_client():
    feed = Feed(kind="mail", syntax="ndjson", fields={"source.ip": "ip", "email.to.address": "to.rcpt"})
    (row,) = events(feed, '{"ip":["10.0.3.17","10.0.3.18"],"to":[{"rcpt":["<a@example.org>","b@example.org"]}]}')
    assert row == {"source.ip": "10.0.3.17", "email.to.address": ["a@example.org", "b@example.org"]}


def test_json_escapes_make_a_line_a_candidate():
    (row,) = events(JSON, r'{"client":"10.0.3.17","q":{"name":"\u0063learview.ai"}}')
    assert row["dns.question.name"] == "clearview.ai"
    assert b"\\u" in feed_format("site", JSON).encoded


@pytest.mark.parametrize(("written", "pattern", "expected"), [
    ("1582797600123", "epoch", "2020-02-27T10:00:00.123Z"),
    ("27/Feb/2020:11:00:00 +0100", "clf", AT),
    ("Feb 27 10:00:00", "syslog", AT),
    ("Feb 29 10:00:00", "%b %d %H:%M:%S", "2020-02-29T10:00:00Z"),
    ("Apr 05 10:00:00", "%b %d %H:%M:%S", "2019-04-05T10:00:00Z"),
    ("02/27/20 10:00:00 AM", "%m/%d/%y %I:%M:%S %p", AT),
    ("2020-02-27 10:00:00", "iso", AT),
    ("yesterday", "%Y", None),
])  # fmt: skip
def test_times(written, pattern, expected):
    feed = Feed(
        kind="dns", syntax="csv", columns=("t", "n"), fields={"@timestamp": "t", "dns.question.name": "n"}, time=pattern
    )
    (row,) = events(feed, f"{written},clearview.ai")
    assert row.get("@timestamp") == expected


def test_zone_says_what_the_time_carries():
    zones = [feed_format("site", Feed(kind="dns", syntax="kv", fields={"source.ip": "a"}, time=time)).zone
             for time in ("epoch", "clf", "%H:%M %z", "iso", "syslog")]  # fmt: skip
    assert zones == [Zone.UTC, Zone.OFFSET, Zone.OFFSET, Zone.LOCAL, Zone.LOCAL]


def test_empty_lines_and_comments_are_passed():
    reading = read(PROXY, f"\n   \n# made by gw1\n{HEADER}\n{LINE}\n")
    assert (len(reading.batch), reading.passed, len(reading.refusals)) == (1, 4, 0)


@pytest.mark.parametrize(("change", "message"), [
    ({"kind": "web"}, "kind is 'web'"),
    ({"syntax": "xml"}, "syntax is 'xml'"),
    ({"fields": {"source.id": "client"}}, "did you mean 'source.ip'"),
    ({"fields": {}}, "fields is empty"),
    ({"fields": {"source.ip": []}}, "names no column"),
    ({"time": "unix"}, "time is 'unix'"),
    ({"delimiter": ""}, "cannot be empty"),
    ({"quote": "''"}, "quote is"),
    ({"columns": ("when", "client", "when")}, "columns names one twice"),
    ({"columns": ("when", "client")}, "'url' is not among columns"),
    ({"constants": {"email.direction": "sideways"}}, "'sideways' is no email.direction"),
    ({"constants": {"event.kind": "mail"}}, "is no column of an event"),
])  # fmt: skip
def test_unsound_maps_are_told(change, message):
    settings = {"kind": "proxy", "syntax": "csv", "fields": PROXY_FIELDS} | change
    with pytest.raises(UsageError, match=message):
        feed_format("site", Feed(**settings))


def test_all_faults_are_told_at_once():
    with pytest.raises(UsageError) as told:
        feed_format("site", Feed(kind="web", syntax="xml", fields={"a": "b"}, time=""))
    assert str(told.value).count(";") == 3
