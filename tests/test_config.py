"""The configuration: frozen values, every fault with its place, and the nearest good key."""

import inspect

import pytest
from pydantic import ValidationError

from detector.config import Canary, Config, Feed, Privacy, Retention, Source, load
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
    interval_s: 5
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
privacy: {names: no, key_file: keys/pseudonym.key, k: 7, custodians: [security.pub, privacy.pub]}
store: sqlite:///state/shadowit.db
policy: policy.yml
people: people.csv
interval_s: 30
listen: "[::1]:9900"
web_config_file: /etc/web.yml
sinks:
  - {type: jsonl, path: alerts.jsonl}
  - {type: webhook, name: desk, url: "https://desk.example.org/hook", secret_file: hook.key, headers: {a: b}}
retention: {sightings_days: 365, aggregates_days: 400}
canary: {domain: canary.example.org, within_s: 600}
own_domains: [example.org]
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
        timezone="America/Edmonton", date_order="dmy", max_silence_s=3600, interval_s=5,
        options={"logformat": "%ts %>a"},
    )  # fmt: skip
    assert (dns.paths, dns.timezone, dns.max_silence_s, dns.format) == ([f"{folder}/dns.log"], "UTC", 86_400, "")
    assert dns.interval_s is None
    gateway = config.formats["gateway"]
    assert (gateway.delimiter, gateway.quote, gateway.time) == (";", "", "iso")
    assert gateway.fields == {"@timestamp": "when", "source.ip": ["client", "ip"]}
    assert (gateway.denied, gateway.challenge) == ({"verdict": ["block", "deny"]}, {"verdict": "auth"})
    keys = [folder / "security.pub", folder / "privacy.pub"]
    assert config.privacy == Privacy(names=False, key_file=folder / "keys/pseudonym.key", k=7, custodians=keys)


def test_what_the_daemon_needs_is_read_and_lies_beside_the_file(file):
    path = file(WHOLE)
    folder = path.parent
    config = load(path)
    assert config.store == f"sqlite:///{folder}/state/shadowit.db"
    assert (config.policy, config.people) == (folder / "policy.yml", folder / "people.csv")
    assert (config.interval_s, config.listen, str(config.web_config_file)) == (30, "[::1]:9900", "/etc/web.yml")
    ledger, desk = config.sinks
    assert ledger == {"type": "jsonl", "path": f"{folder}/alerts.jsonl"}
    assert (desk["secret_file"], desk["url"]) == (f"{folder}/hook.key", "https://desk.example.org/hook")
    assert config.retention == Retention(sightings_days=365, aggregates_days=400)
    assert config.canary == Canary(domain="canary.example.org", within_s=600)


@pytest.mark.parametrize("url", ["sqlite:////var/lib/shadowit.db", "postgresql+psycopg://db.example.org/shadowit"])
def test_a_store_that_says_where_it_lies_stays_there(file, url):
    assert load(file(f"store: {url}")).store == url


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "~"])
def test_every_key_is_optional(file, text):
    path = file(text)
    assert load(path) == Config(store=f"sqlite:///{path.parent}/shadowit.db")
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
        ("store: shadow.db", "1:1: store: 'shadow.db' is no store: write sqlite:///shadowit.db or postgres"),
        ("listen: 9847", "1:1: listen: '9847' is no address: write one like 127.0.0.1:9847 or [::1]:9847"),
        ("listen: host:99999", "1:1: listen: 'host:99999' is no address"),
        ("interval_s: 0", "1:1: interval_s: Input should be greater"),
        ("sinks: [{path: x}]", "1:9: sinks.0: a sink needs a type"),
        ("sources: [{name: a, paths: [x]}, {name: a, paths: [y]}]", "1:1: sources: several sources are called 'a'"),
        ("privacy: {custodians: [one.pub]}", "1:11: privacy.custodians: identities are sealed to two custodians"),
        ("retention: {sighting_days: 3}", "1:13: retention.sighting_days: no such key; did you mean 'sightings_days'?"),
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
    for model in (Config, Source, Feed, Privacy, Retention, Canary):
        for name in model.model_fields:
            assert f"\n    {name}: " in inspect.cleandoc(model.__doc__), f"{model.__name__}.{name}"
