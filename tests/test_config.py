"""The configuration: frozen values, every fault with its place, and the nearest good key."""

import pytest
from pydantic import ValidationError

from detector.config import Config, Feed, Privacy, Source, load
from detector.errors import InvalidFile

WHOLE = """\
signatures: [own, /abs]
sources:
  - name: proxy
    format: squid
    paths: ["logs/*.log", /var/log/squid, "-"]
    timezone: America/Edmonton
    date_order: dmy
    max_silence_s: 3600
    options: {logformat: "%ts %>a"}
  - {name: dns, paths: [dns.log]}
formats:
  gateway:
    kind: proxy
    syntax: csv
    columns: [when, client]
    delimiter: ";"
    quote: ""
    fields: {"@timestamp": when, source.ip: [client, ip]}
    denied: {verdict: [block, deny]}
    challenge: {verdict: auth}
    constants: {user.name: nobody}
privacy: {names: no, key_file: keys/pseudonym.key}
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "shadowit.yml"
        path.write_text(text)
        return path

    return write


def problems(path):
    with pytest.raises(InvalidFile) as caught:
        load(path)
    return [str(one).removeprefix(f"{path}:") for one in caught.value.problems]


def test_every_key_is_read_and_paths_are_relative_to_the_file(file):
    path = file(WHOLE)
    folder = path.parent
    config = load(path)
    assert [str(one) for one in config.signatures] == [f"{folder}/own", "/abs"]
    proxy, dns = config.sources
    assert proxy == Source(
        name="proxy", format="squid", paths=[f"{folder}/logs/*.log", "/var/log/squid", "-"],
        timezone="America/Edmonton", date_order="dmy", max_silence_s=3600, options={"logformat": "%ts %>a"},
    )  # fmt: skip
    assert (dns.paths, dns.timezone, dns.max_silence_s, dns.format) == ([f"{folder}/dns.log"], "UTC", 86_400, "")
    gateway = config.formats["gateway"]
    assert (gateway.delimiter, gateway.quote, gateway.time) == (";", "", "iso")
    assert gateway.fields == {"@timestamp": "when", "source.ip": ["client", "ip"]}
    assert (gateway.denied, gateway.challenge) == ({"verdict": ["block", "deny"]}, {"verdict": "auth"})
    assert config.privacy == Privacy(names=False, key_file=folder / "keys/pseudonym.key")


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "~"])
def test_every_key_is_optional(file, text):
    assert load(file(text)) == Config()
    assert Config().privacy.names


def test_it_is_frozen(file):
    config = load(file(WHOLE))
    with pytest.raises(ValidationError):
        config.privacy = Privacy()
    with pytest.raises(ValidationError):
        config.sources[0].name = "x"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[]", "1:1: the file: Input should be a valid dictionary or instance of Config"),
        ("text", "1:1: the file: Input should be a valid dictionary or instance of Config"),
        ("source: []", "1:1: source: no such key; did you mean 'sources'?"),
        ("zzzzz: 1", "1:1: zzzzz: no such key"),
        ("privacy:\n  nmaes: true", "2:3: privacy.nmaes: no such key; did you mean 'names'?"),
        (
            "sources:\n  - {name: a, paths: [x], timezon: UTC}",
            "2:27: sources.0.timezon: no such key; did you mean 'time",
        ),
        ("sources:\n  - {name: a}", "2:5: sources.0.paths: Field required"),
        ("sources:\n  - {name: a, paths: []}", "2:15: sources.0.paths: List should have at least 1 item"),
        ("sources:\n  - {name: a, paths: x.log}", "2:15: sources.0.paths: Input should be a valid list"),
        (
            "sources:\n  - {name: a, paths: [x], max_silence_s: 0}",
            "2:27: sources.0.max_silence_s: Input should be great",
        ),
        (
            "sources:\n  - {name: a, paths: [x], max_silence_s: 1h}",
            "2:27: sources.0.max_silence_s: Input should be a va",
        ),
        (
            "sources:\n  - {name: a, paths: [x], date_order: ydm}",
            "2:27: sources.0.date_order: Input should be '', 'dmy'",
        ),
        ("sources: {a: b}", "1:1: sources: Input should be a valid list"),
        ("formats: {a: {kind: web, syntax: csv, fields: {a: b}}}", "1:15: formats.a.kind: Input should be 'proxy', "),
        ("formats: {a: {kind: dns, syntax: xml, fields: {a: b}}}", "1:26: formats.a.syntax: Input should be 'csv', "),
        (
            "formats: {a: {kind: dns, syntax: csv, fields: {}}}",
            "1:39: formats.a.fields: Dictionary should have at least",
        ),
        ("formats: {a: {kind: dns, syntax: csv}}", "1:11: formats.a.fields: Field required"),
        (
            "formats: {a: {kind: dns, syntax: csv, fields: {a: b}, delimiter: '||'}}",
            "1:55: formats.a.delimiter: String",
        ),
        ("formats: {a: {kind: dns, syntax: csv, fields: {a: b}, quote: '||'}}", "1:55: formats.a.quote: String should"),
        ("privacy: {names: maybe}", "1:11: privacy.names: Input should be a valid boolean"),
        ("privacy:\n  key_file: [x]", "2:3: privacy.key_file: Input is not a valid path"),
        ("sources: []\nsources: []", "2:1: key 'sources' stands twice"),
        ("sources: &a []", "1:10: anchors are not allowed: write the value again"),
    ],
)
def test_a_fault_is_told_with_its_place(file, text, found):
    assert any(one.startswith(found) for one in problems(file(text))), problems(file(text))


@pytest.mark.parametrize(
    "zone", ["Nowhere/City", "", "America", "../../etc/passwd", "/etc/localtime", "x" * 300, "UTC+1"]
)
def test_what_is_no_time_zone_is_told(file, zone):
    text = f"sources:\n  - {{name: a, paths: [x], timezone: '{zone}'}}"
    assert problems(file(text)) == [
        f"2:27: sources.0.timezone: {zone!r} is no time zone: write one like America/Edmonton or UTC"
    ]


def test_all_faults_come_at_once_in_order(file):
    text = "privacy: {key_fil: x, names: maybe}\nsources:\n  - {name: [], paths: []}\nfromats: {}\n"
    assert [one.partition(": ")[0] for one in problems(file(text))] == ["1:11", "1:23", "3:6", "3:16", "4:1"]


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    assert problems(tmp_path / "none.yml") == ["0:0: cannot be read: No such file or directory"]


@pytest.mark.parametrize("said", ["true", "yes", "on", "1"])
def test_what_a_text_means_is_decided_by_the_schema(file, said):
    assert load(file(f"privacy: {{names: {said}}}")).privacy.names
    assert load(file(f"sources: [{{name: {said}, paths: [x], max_silence_s: 012}}]")).sources[0].name == said


def test_every_key_is_documented():
    for model in (Config, Source, Feed, Privacy):
        for name in model.model_fields:
            assert f"        {name}: " in model.__doc__, f"{model.__name__}.{name}"
