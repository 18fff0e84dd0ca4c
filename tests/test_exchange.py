"""Signatures to and from other programs, their lints, pages, statistics and differences."""

import base64
import csv
import datetime as dt
import io
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from machine import HOST, PATTERN, SUFFIX, URL, indicator, signature, small_ruleset

from detector.cli import run
from detector.errors import UsageError
from detector.events import Stage, from_iso
from detector.exchange import (
    Draft,
    Selection,
    Value,
    export_named,
    export_names,
    import_named,
    import_names,
    settle,
)
from detector.exchange.blocking import block_list, is_below
from detector.match.embedded import failures
from detector.signatures import Attribution, IndicatorKind, load
from detector.signatures.difference import difference
from detector.signatures.lints import doubt_of, lint
from detector.signatures.statistics import statistics

AT = from_iso("2026-11-22")
BLOCKS = ("adguard", "dnsmasq", "fortigate", "hosts", "pac", "pan-edl", "rpz", "squid", "unbound")
DATA = ("csv", "misp", "sigma", "stix", "suricata-dataset", "zeek-intel")


def selected(ruleset, *services, at=AT):
    return Selection(ruleset, frozenset(services or (one.id for one in ruleset.signatures)), at)


def exported(name, ruleset, *services, at=AT):
    return export_named(name).render(selected(ruleset, *services, at=at))


def settled(reading, shared=frozenset(), category="imported"):
    return settle(reading.drafts, shared_hosts=shared, category=category, day="2026-11-22", origin="a test")


def imported(name, text, folder, file="feed", shared=frozenset()):
    """What a text comes to: (ruleset of the files, reasons by value)."""
    reading = import_named(name).read(text, file)
    found = settled(reading, shared)
    for path, content in found.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    refused = {one.value: one.reason for one in (*reading.refusals, *found.refusals)}
    return (load([folder]) if found.files else None), refused


def values(ruleset):
    return {one.id.partition(":")[2] for one in ruleset.indicators()}


def program(name):
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run_program(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def tricky_ruleset():
    """Parents and children, shared hosts, ends of validity, patterns, addresses, two services on one branch."""
    services = (
        signature(
            "alpha",
            indicator("alpha", SUFFIX, "alpha.test"),
            indicator("alpha", SUFFIX, "deep.alpha.test"),
            indicator("alpha", HOST, "app.alpha.test"),
            indicator("alpha", HOST, "alpha.statuspage.test", confidence="medium"),
            indicator("alpha", URL, "cloud.test", path="/alpha", methods=("POST", "PUT"), stage=Stage.UPLOADED),
            opaque=("app.alpha.test",),
        ),
        signature("beta", indicator("beta", HOST, "beta.alpha.test"), indicator("beta", SUFFIX, "old.test")),
        signature(
            "gamma",
            indicator("gamma", SUFFIX, "gone.test", valid_until=from_iso("2020-01-01")),
            indicator("gamma", SUFFIX, "soon.test", valid_from=from_iso("2030-01-01")),
            indicator("gamma", HOST, "shared.test"),
            indicator("gamma", SUFFIX, "holds.test"),
            indicator("gamma", PATTERN, "api.*.cloud.test"),
            indicator("gamma", SUFFIX, "gamma.test"),
        )._replace(attribution=Attribution.VENDOR_PORTFOLIO),
    )
    return replace(
        small_ruleset(), signatures=services, shared_hosts=frozenset({"shared.test", "kept.holds.test", "cloud.test"})
    )


def test_every_format_is_found_by_its_name():
    assert sorted((*BLOCKS, *DATA)) == export_names()
    assert import_names() == ["csv", "lolrmm", "misp", "sigma", "stix", "v2fly", "zeek-intel"]
    for names, named in ((export_names(), export_named), (import_names(), import_named)):
        assert [named(name).name for name in names] == names
        with pytest.raises(UsageError, match="there are"):
            named("nothing")


@pytest.mark.parametrize("name", [*BLOCKS, *DATA])
def test_same_catalogue_same_bytes(name, catalogue):
    chosen = [one.id for one in catalogue.signatures if one.category.startswith("facial-recognition")]
    text = exported(name, catalogue, *chosen)
    assert text == exported(name, replace(catalogue), *reversed(chosen))
    assert text.endswith("\n")
    assert "clearview" in text or name == "suricata-dataset"


@pytest.mark.parametrize("name", BLOCKS)
def test_block_lists_say_what_they_leave_out(name):
    text = exported(name, tricky_ruleset(), "alpha", "gamma")
    for said in (
        "1 left out, because only a path tells", "alpha:url:POST|PUTcloud.test/alpha",
        "1 left out, because the host is a pattern", "gamma:host_pattern:api.*.cloud.test",
        "2 left out, because the host is shared", "gamma:host:shared.test", "gamma:suffix:holds.test",
        "also blocks everything else below it", "gamma.test (", "beta (beta.alpha.test)",
        "1 suffixes of which the product itself is only on these hosts", "alpha.test: app.alpha.test",
    ):  # fmt: skip
        assert said in text, said
    body = "\n".join(line for line in text.splitlines() if not line.startswith(("#", ";", "!", "//")))
    assert "shared.test" not in body.replace("alpha.statuspage.test", "")
    for absent in ("holds.test", "cloud.test", "gone.test", "soon.test", "deep.alpha.test"):
        assert absent not in body or (name, absent) == ("hosts", "deep.alpha.test"), absent


def test_block_lists_hold_each_name_once():
    found = block_list(selected(tricky_ruleset()))
    assert found.suffixes == ("alpha.test", "gamma.test", "old.test")
    assert found.hosts == ("alpha.statuspage.test",)
    assert "app.alpha.test" in found.names
    assert block_list(selected(tricky_ruleset(), at=from_iso("2019-01-01"))).suffixes[2] == "gone.test"


def test_block_lists_never_hold_a_shared_host(catalogue):
    found = block_list(selected(catalogue))
    assert not {*found.suffixes, *found.hosts, *found.names} & catalogue.shared_hosts
    assert not [one for one in catalogue.shared_hosts if is_below(one, set(found.suffixes))]
    assert not [one for one in (*found.suffixes, *found.hosts) if is_below(one, set(found.suffixes))]
    assert len(found.suffixes) > 1_000


def test_each_block_list_spells_borders_in_its_own_way():
    ruleset = tricky_ruleset()
    wanted = {
        "squid": "\n.alpha.test\n.gamma.test\n.old.test\nalpha.statuspage.test\n",
        "adguard": "||alpha.test^\n||gamma.test^\n||old.test^\n|alpha.statuspage.test^\n",
        "pan-edl": "\nalpha.test/\n*.alpha.test/\n",
        "fortigate": "\nalpha.test\n*.alpha.test\n",
        "rpz": "(2026112200 3600 600 604800 300)\n@ IN NS localhost.\nalpha.test CNAME .\n*.alpha.test CNAME .\n",
        "hosts": "\n0.0.0.0 alpha.statuspage.test\n0.0.0.0 alpha.test\n0.0.0.0 app.alpha.test\n",
        "dnsmasq": "address=/old.test/\nhost-record=alpha.statuspage.test,0.0.0.0,::\n",
        "unbound": 'server:\nlocal-zone: "alpha.test." always_nxdomain\n',
    }
    for name, part in wanted.items():
        assert part in exported(name, ruleset), name


def test_rpz_is_read_by_bind(catalogue, tmp_path):
    (tmp_path / "zone").write_text(exported("rpz", catalogue))
    assert "loaded serial 2026112200" in run_program(program("named-checkzone"), "rpz.test", tmp_path / "zone")


def test_unbound_reads_its_own(catalogue, tmp_path):
    (tmp_path / "unbound.conf").write_text(exported("unbound", catalogue))
    assert "no errors" in run_program(program("unbound-checkconf"), tmp_path / "unbound.conf")


def test_dnsmasq_reads_its_own(catalogue, tmp_path):
    (tmp_path / "dnsmasq.conf").write_text(exported("dnsmasq", catalogue))
    assert "syntax check OK" in run_program(program("dnsmasq"), "--test", "-C", tmp_path / "dnsmasq.conf")


@pytest.mark.parametrize("ruleset", ["catalogue", "tricky"])
def test_squid_reads_its_own(ruleset, catalogue, tmp_path):
    names, settings = tmp_path / "names", tmp_path / "squid.conf"
    names.write_text(exported("squid", catalogue if ruleset == "catalogue" else tricky_ruleset()))
    settings.write_text(f'acl blocked dstdomain "{names}"\nhttp_access deny blocked\nhttp_port 3128\n')
    said = run_program(program("squid"), "-k", "parse", "-f", settings)
    assert not [line for line in said.splitlines() if "WARNING" in line and "subdomain" in line]


def test_pac_decides_on_label_borders(tmp_path):
    script = tmp_path / "proxy.js"
    hosts = ["APP.alpha.test.", "notalpha.test", "alpha.statuspage.test", "x.alpha.statuspage.test", "constructor"]
    asked = f"console.log({json.dumps(hosts)}.map(host => FindProxyForURL('', host)).join(','))"
    script.write_text(exported("pac", tricky_ruleset()) + asked)
    said = run_program(program("node"), script).strip()
    assert said == "PROXY 127.0.0.1:9,DIRECT,PROXY 127.0.0.1:9,DIRECT,DIRECT"


def test_stix_is_valid(catalogue):
    stix2 = pytest.importorskip("stix2")
    chosen = [one.id for one in catalogue.signatures if one.category.startswith("facial-recognition")]
    text = exported("stix", catalogue, *chosen)
    bundle = stix2.parse(text, allow_custom=False)
    assert len(bundle.objects) == sum(1 + 2 * len(catalogue[one].indicators) for one in chosen)
    stix2.parse(exported("stix", small_ruleset()), allow_custom=False)
    stix2.parse(exported("stix", tricky_ruleset()), allow_custom=False)
    assert text == exported("stix", catalogue, *reversed(chosen))


def test_sigma_is_valid(catalogue):
    collection = pytest.importorskip("sigma.collection").SigmaCollection
    chosen = [one.id for one in catalogue.signatures if one.category.startswith("facial-recognition")]
    for text in (exported("sigma", catalogue, *chosen), exported("sigma", tricky_ruleset())):
        found = collection.from_yaml(text)
        assert not [rule.errors for rule in found.rules if rule.errors]
        assert len({rule.id for rule in found.rules}) == len(found.rules) > 0
    assert "cs-host|endswith" in text
    assert exported("sigma", tricky_ruleset(), "gamma", at=from_iso("2019-01-01"))


def test_misp_zeek_and_suricata_have_their_shapes():
    ruleset = tricky_ruleset()
    event = json.loads(exported("misp", ruleset))["Event"]
    assert {one["type"] for one in event["Attribute"]} == {"domain", "hostname", "url", "pattern-in-traffic"}
    assert len({one["uuid"] for one in event["Attribute"]}) == len(event["Attribute"])
    rows = [line.split("\t") for line in exported("zeek-intel", ruleset).splitlines()]
    assert {len(row) - (row[0] == "#fields") for row in rows} == {5}
    assert ["cloud.test/alpha", "Intel::URL"] in [row[:2] for row in rows]
    names = [base64.b64decode(line).decode() for line in exported("suricata-dataset", ruleset).splitlines()]
    assert names == sorted(names)
    assert "www.alpha.test" in names
    assert "shared.test" not in names


def test_csv_keeps_everything(catalogue, tmp_path):
    """What is written as CSV and read again is the same but for what the rules of an import refuse."""
    again, refused = imported("csv", exported("csv", catalogue), tmp_path)
    assert set(refused.values()) <= {"is a public suffix: it would catch unrelated sites"}
    assert len(values(catalogue) - values(again)) == len(refused) <= 12
    assert not values(again) - values(catalogue)
    one = again["clearview-ai"]
    assert {indicator.confidence for indicator in one.indicators} == {"medium"}
    assert one.indicators[0].sources == ("https://www.clearview.ai", "csv feed")
    assert one.attribution is Attribution.VENDOR_PORTFOLIO
    failed, total = failures(again)
    assert total > 9_000 * 0.5
    assert not failed


def test_csv_is_no_formula_and_reads_bare_lists(tmp_path):
    ruleset = replace(tricky_ruleset(), signatures=(tricky_ruleset().signatures[1]._replace(name="=cmd"),))
    rows = list(csv.reader(io.StringIO(exported("csv", ruleset))))
    assert rows[1][1] == "'=cmd"
    again, _ = imported("csv", exported("csv", ruleset), tmp_path / "one")
    assert again["beta"].name == "=cmd"
    text = (
        "domain,kind,service\napp.example.com,,\nexample.com,,\nexample.com/a/b?x,,\n,,\nco.uk,,\n"
        "192.0.2.7,,\nx.test,nothing,\nuk,,\na.test,suffix,One\na.test,suffix,Two\n*.example.net,,\n,,,more\nb_.test,,???\n"
        "a.*.test,,three\n"
    )
    again, refused = imported("csv", text, tmp_path / "two")
    assert values(again) == {
        "host:app.example.com", "suffix:example.com", "url:example.com/a/b", "suffix:a.test", "suffix:example.net",
    }  # fmt: skip
    assert again["example-com"].name == "example.com"
    assert refused["suffix co.uk"].startswith("is a public suffix")
    assert refused["suffix 192.0.2.7"] == "is an address, not a name"
    assert refused["x.test"].startswith("kind 'nothing'")
    assert refused["suffix a.test"] == "already belongs to one"
    assert refused["suffix uk"].startswith("is a public suffix")
    assert refused["suffix b_.test"].startswith("no id can be made")
    assert "fixed" in refused["host_pattern a.*.test"]
    with pytest.raises(UsageError, match="needs a column"):
        import_named("csv").read("a,b\n1,2\n", "x.csv")
    with pytest.raises(UsageError, match="is not CSV"):
        import_named("csv").read("value\n" + "x" * 200_000, "x.csv")


def test_hostile_files_end_as_refusals(tmp_path):
    deep = '{"response":' * 900 + "1" + "}" * 900
    assert not import_named("misp").read(deep, "x").drafts
    rows = f"value,kind,min_request_bytes,stage,valid_from,name\nx.test,host,{'9' * 5000},,,\nz.test,host,,no,no,\n"
    rows += 'y.test,host,,,,"\x1b[31m\u202e../../evil"\n'
    again, refused = imported("csv", rows, tmp_path)
    assert values(again) == {"host:x.test", "host:y.test"}
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*.yaml"))] == [
        "imported/31m-evil.yaml", "imported/x-test.yaml",
    ]  # fmt: skip
    assert "valid_from" in refused["host z.test"]


@pytest.mark.parametrize("name", ["stix", "misp", "zeek-intel", "sigma"])
def test_formats_lead_back(name, catalogue, tmp_path):
    """What was exported comes back as the same service, with where it comes from."""
    again, _ = imported(name, exported(name, catalogue, "clearview-ai", "pimeyes"), tmp_path)
    assert {one.id for one in again.signatures} == {"clearview-ai", "pimeyes"}
    assert {"suffix:clearview.ai", "host:app.clearview.ai"} <= values(again)
    found = again["clearview-ai"].indicators
    assert all(one.confidence == "medium" and len(one.sources) >= 2 for one in found)
    assert any("https://www.clearview.ai" in source for one in found for source in one.sources)
    assert again["clearview-ai"].name == "Clearview AI"
    assert not failures(again)[0]
    if name in ("stix", "misp"):
        assert "url:app.clearview.ai/api/v1/searches" in values(again)
        assert {one.stage for one in found} > {Stage.VISITED, Stage.USED, Stage.UPLOADED}
        assert again["clearview-ai"].category == "facial-recognition/investigative-platform"


def test_dates_lead_back(tmp_path):
    ruleset = replace(tricky_ruleset(), signatures=(tricky_ruleset().signatures[2],))
    for name in ("stix", "misp", "csv"):
        again, _ = imported(name, exported(name, ruleset), tmp_path / name)
        dates = {one.host: (one.valid_from, one.valid_until) for one in again.indicators()}
        assert dates["gone.test"] == (None if name != "stix" else dates["gone.test"][0], from_iso("2020-01-01"))
        assert dates["soon.test"] == (from_iso("2030-01-01"), None)
        assert "api.*.cloud.test" in dates


def test_stix_of_others(tmp_path):
    def told(number, pattern, **more):
        return {"type": "indicator", "id": f"indicator--{number}", "name": "n", "pattern": pattern,
                "created": "2024-01-01T00:00:00Z", "valid_from": "2024-02-01T00:00:00Z", **more}  # fmt: skip

    objects = [
        told(1, "[domain-name:value = 'One.example.com'] OR [url:value = 'https://a.example/x']"),
        told(2, "[domain-name:value LIKE '%.two.example']", labels=["stage:used", 3]),
        told(3, "[domain-name:value LIKE 'api.%.three.example']"),
        told(4, "[domain-name:value = 'x.example' AND file:size = 3]"),
        told(5, "[domain-name:value = 'y.example']", revoked=True),
        told(6, "[url:value LIKE 'http%://four.example/p%']"),
        told(7, "[url:value LIKE '%']"),
        {"type": "malware", "id": "malware--1", "name": "Six", "external_references": [{"url": "https://six.example"}]},
        told(8, "[domain-name:value = 'six.example']"),
        {"type": "relationship", "relationship_type": "indicates", "source_ref": "indicator--8",
         "target_ref": "malware--1"},
    ]  # fmt: skip
    again, refused = imported("stix", json.dumps({"type": "bundle", "objects": objects}), tmp_path)
    assert values(again) == {
        "host:one.example.com", "url:a.example/x", "suffix:two.example", "host_pattern:api.*.three.example",
        "url:four.example/p", "host:six.example",
    }  # fmt: skip
    assert again["six"].references == ("https://six.example",)
    assert again["two-example"].indicators[0].stage is Stage.USED
    assert again["two-example"].indicators[0].valid_from == from_iso("2024-02-01")
    assert refused["[domain-name:value = 'y.example']"] == "was revoked"
    assert "only" in refused["[domain-name:value = 'x.example' AND file:size = 3]"]
    assert imported("stix", json.dumps(objects[0]), tmp_path / "bare")[0]
    with pytest.raises(UsageError, match="is not JSON"):
        import_named("stix").read("{", "x")


def test_misp_of_others(tmp_path):
    event = {
        "uuid": "u", "info": "feed",
        "Attribute": [{"type": "domain", "value": "one.example"}, {"type": "ip-dst", "value": "192.0.2.7"}, 3],
        "Object": [{"Attribute": [
            {"type": "hostname|port", "value": "A.one.example|443"}, {"type": "domain|ip", "value": "b.two.example|1"},
            {"type": "url", "value": "https://c.example/"}, {"type": "pattern-in-traffic", "value": "x"},
            {"type": "url", "value": "http://[x/"},
        ]}],
    }  # fmt: skip
    for data in ({"Event": event}, {"response": [{"Event": event}]}, [{"Event": event}], event):
        reading = import_named("misp").read(json.dumps(data), "x")
        assert len(reading.drafts) == 5
    again, refused = imported("misp", json.dumps(event), tmp_path)
    assert values(again) == {"suffix:one.example", "host:a.one.example", "host:b.two.example", "host:c.example"}
    assert again["one-example"].indicators[0].sources == ("MISP event u feed", "misp feed")
    assert {"192.0.2.7", "x", "host http://[x/"} == set(refused)


def test_zeek_of_others(tmp_path):
    text = (
        "#fields\tindicator\tindicator_type\tmeta.source\n# a comment\n\nevil.example\tIntel::DOMAIN\tabuse.example\n"
        "1.2.3.4\tIntel::ADDR\tx\na.example/p\tIntel::URL\nshort\n"
    )
    again, refused = imported("zeek-intel", text, tmp_path)
    assert values(again) == {"suffix:evil.example", "url:a.example/p"}
    assert again["evil-example"].indicators[0].sources == ("abuse.example", "zeek-intel feed")
    assert set(refused) == {"1.2.3.4", "short"}
    with pytest.raises(UsageError, match="#fields"):
        import_named("zeek-intel").read("a\tb\n", "x")


def test_sigma_of_others(tmp_path):
    text = """title: Remote Thing
id: 1
author: somebody
references: [https://ref.example]
tags: [attack.t1]
detection:
  selection:
    QueryName|endswith: [een.com, .thing.example]
    Image|endswith: thing.exe
  list:
    - query: exact.thing.example
    - query: '*.wide.example'
  other: {query|contains: brand}
  path: {cs-host: cloud.example, c-uri|contains: /x}
  keywords: [brand]
  condition: selection or list
---
title: Not
detection: {a: {query: x.example}, condition: a and not b}
---
- no rule
---
a: *b
---
title: Bare
"""
    again, refused = imported("sigma", text, tmp_path)
    assert {one.id for one in again.signatures} == {"remote-thing"}
    assert values(again) == {
        "suffix:een.com", "suffix:thing.example", "host:exact.thing.example", "suffix:wide.example",
    }  # fmt: skip
    assert again["remote-thing"].indicators[0].sources == (
        "https://ref.example", "Sigma 1 Remote Thing (somebody)", "sigma feed",
    )  # fmt: skip
    assert refused["brand"] == "contains matches unrelated sites"
    assert "more than the host" in refused["Remote Thing"]
    assert "not" in refused["Not"]
    assert set(refused) == {"brand", "Remote Thing", "Not", "document 3", "document 4"}


def test_v2fly(tmp_path):
    text = (
        "# head\n\nZoom.us # main\ndomain:zoom.com @cn\nfull:api.zoomgov.com\nkeyword:zoom\nregexp:^z\n"
        "include:other\nnonsense:x\ndomain:\ncom\n"
    )
    again, refused = imported("v2fly", text, tmp_path, file="data/zoom")
    assert values(again) == {"suffix:zoom.us", "suffix:zoom.com", "host:api.zoomgov.com"}
    assert again["zoom"].indicators[0].sources == ("v2fly zoom",)
    assert set(refused) == {"keyword:zoom", "regexp:^z", "include:other", "nonsense:x", "domain:", "suffix com"}


def test_lolrmm(tmp_path):
    entry = """Name: Any Thing
References: [https://anything.example]
Artifacts:
  Network:
    - Domains: ['*.anything.example', relay.anything.example, user_managed, https://x.example/download/, github.com]
"""
    again, refused = imported("lolrmm", entry, tmp_path, shared=frozenset({"github.com"}))
    assert values(again) == {"suffix:anything.example", "host:relay.anything.example", "url:x.example/download"}
    assert again["any-thing"].category == "remote-access"
    assert again["any-thing"].references == ("https://anything.example",)
    assert refused["suffix github.com"].startswith("is shared by many services")
    assert "host name" in refused["suffix user_managed"]
    whole = [{"Name": "B", "Artifacts": {"Network": [{"Domains": ["b.example"]}]}}, {"Name": "C"}]
    assert len(import_named("lolrmm").read(json.dumps(whole), "x").drafts) == 1
    with pytest.raises(UsageError, match="stands twice"):
        import_named("lolrmm").read("a: 1\na: 2\n", "x.yml")


def test_a_draft_that_is_no_signature_is_refused():
    value = Value(IndicatorKind.SUFFIX, "one.example", sources=("x",))
    faulty = Draft("one", "", (value, replace(value, sources=("y",))))
    found = settle([faulty], shared_hosts=frozenset(), category="c", day="2026-11-22", origin="x")
    assert not found.files
    assert "name" in str(found.refusals[0])


def lines_of(ruleset, day, folder=()):
    return [(str(one.problem).rpartition("/")[2], one.is_error) for one in lint(ruleset, folder, day)]


def test_the_catalogue_has_no_doubts(catalogue):
    reviewed = max(dt.date.fromisoformat(one.reviewed) for one in catalogue.signatures)
    assert lint(catalogue, (), reviewed) == []


def write_catalogue(folder, *, category="facial-recognition", regex="^welcome", reviewed="2026-11-22", more=""):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.yaml").write_text(f"""schema_version: 1
id: one
name: One
vendor: One
category: {category}
attribution: dedicated
description: Nothing.
indicators:
  - {{kind: suffix, value: one.example, sources: [x]}}{more}
mail: {{subjects: [{{stage: signed_up, regex: "{regex}"}}]}}
added: 2026-11-22
reviewed: {reviewed}
tests:
  positive: [[one.example, visited], [www.one.example, visited]]
  negative: [notone.example, one.example.net, two.example]
""")
    return folder


def test_lints(tmp_path, capsys):
    folder = write_catalogue(tmp_path / "a", regex=".*welcome")
    found = lines_of(load([folder]), dt.date(2027, 11, 23), [folder])
    assert [(text.split(" ")[0], error) for text, error in found] == [
        ("one.yaml:10:38:", False),
        ("one.yaml:12:1:", True),
    ]
    assert run(["signatures", "check", str(folder), "--at", "2027-11-22"]) == 0
    said = capsys.readouterr()
    assert "warning: " in said.err
    assert "1 warnings" in said.out
    assert run(["signatures", "check", str(folder), "--at", "2027-11-22", "--strict"]) == 3
    assert run(["signatures", "check", str(folder), "--at", "2027-11-23"]) == 3
    assert run(["check", "signatures", str(folder)]) == 0
    other = write_catalogue(tmp_path / "b", category="biometrics")
    assert [error for _, error in lines_of(load([other]), dt.date(2028, 1, 1), [other])] == [False]
    shared = tmp_path / "b" / "mail_stages.yml"
    shared.write_text(
        "schema_version: 1\nplatforms: []\nkinds:\n  - {kind: a, stage: paid, subjects: ['x', 'receipt.+from']}\n"
    )
    assert [text.split(" ")[0] for text, _ in lines_of(load([other]), dt.date(2026, 12, 1), [other])] == [
        "mail_stages.yml:4:44:"
    ]
    capsys.readouterr()
    twice = write_catalogue(tmp_path / "c", more="\n  - {kind: suffix, value: one.example, sources: [y]}")
    assert run(["signatures", "check", str(twice)]) == 3
    assert "stands twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value: one.example", "value: co.uk", "public suffix"),
        ("value: one.example", "value: github.io", "shared by many"),
        ("attribution: dedicated", "attribution: host-or-path-only", "may not hold a suffix"),
        ("attribution: dedicated", "attribution: dedicated\nstatus: defunct", "needs valid_until"),
        ("id: one", "id: two", "must be the file's name"),
        ('"^welcome"', '"(?=x)"', "linear time"),
    ],
)
def test_errors_have_their_place(old, new, said, tmp_path, capsys):
    folder = write_catalogue(tmp_path / "a")
    file = folder / "one.yaml"
    file.write_text(file.read_text().replace(old, new, 1))
    assert run(["signatures", "check", str(folder), "--at", "2026-11-22"]) == 3
    found = capsys.readouterr().err
    assert said in found
    assert "one.yaml:" in found


def test_one_suffix_has_one_service(tmp_path, capsys):
    first, second = write_catalogue(tmp_path / "a"), write_catalogue(tmp_path / "b")
    assert run(["signatures", "check", str(first), str(second), "--at", "2026-11-22"]) == 3
    assert "id 'one' is already used by" in capsys.readouterr().err
    (second / "two.yaml").write_text((second / "one.yaml").read_text().replace("id: one", "id: two"))
    (second / "one.yaml").unlink()
    assert run(["signatures", "check", str(first), str(second), "--at", "2026-11-22"]) == 3
    assert "suffix one.example already belongs to one" in capsys.readouterr().err


@pytest.mark.parametrize("pattern", ["^a", r"^a\.*b", "[.*+]", "^a.{0,40}b", "a[^.!?]*b"])
def test_bounded_patterns_are_fine(pattern):
    assert doubt_of(pattern) == ""


@pytest.mark.parametrize("pattern", [".*a", "^.*a", "(.*a)", "a.+b", "a.{3,}b", "a.*?b"])
def test_unbounded_patterns_are_doubtful(pattern):
    assert doubt_of(pattern)


def test_difference(catalogue):
    assert difference(catalogue, catalogue) == []
    old, new = tricky_ruleset(), tricky_ruleset()
    alpha, beta, _ = new.signatures
    new = replace(new, signatures=(
        alpha._replace(name="Alfa", indicators=(
            alpha.indicators[0]._replace(confidence="low", valid_until=AT), *alpha.indicators[2:],
            indicator("alpha", HOST, "new.alpha.test"))),
        beta,
        signature("delta", indicator("delta", HOST, "delta.test")),
    ))  # fmt: skip
    found = [(one.what, one.indicator or one.service, one.field, one.old, one.new) for one in difference(old, new)]
    assert found == [
        ("changed", "alpha", "name", "Alpha", "Alfa"),
        ("added", "alpha:host:new.alpha.test", "", "", ""),
        ("changed", "alpha:suffix:alpha.test", "confidence", "high", "low"),
        ("changed", "alpha:suffix:alpha.test", "valid_until", "", "2026-11-22"),
        ("removed", "alpha:suffix:deep.alpha.test", "", "", ""),
        ("added", "delta", "", "", ""),
        ("added", "delta:host:delta.test", "", "", ""),
        ("removed", "gamma", "", "", ""),
    ]
    mailed = replace(old, signatures=(signature("alpha", opaque=("b.test", "a.test"), subjects=((Stage.PAID, "x"),)),))
    texts = [one.new for one in difference(old, mailed) if one.field]
    assert "used_requests 5; used_minutes 10; uploaded_request_bytes 30000; opaque_hosts a.test, b.test" in texts


def test_statistics(catalogue):
    found = statistics(catalogue, dt.date(2027, 1, 1))
    assert found.services == len(catalogue.signatures)
    assert found.tables["services by category"]["facial-recognition"] >= 130
    assert {sum(table.values()) for table in found.tables.values()} == {found.services, found.indicators}
    assert statistics(small_ruleset(), dt.date(2027, 1, 1)).tables["services by days since review"] == {"unknown": 6}
    assert statistics(catalogue, dt.date(2030, 1, 1)).overdue == found.services


def test_pages(capsys):
    assert run(["signatures", "show", "clearview-ai"]) == 0
    page = capsys.readouterr().out
    for said in ("Clearview AI", "prohibited", "signed_up", "indicators", "subjects", "events", "30,000 bytes"):
        assert said in page
    assert run(["signatures", "show", "clearview-ai", "-f", "md"]) == 0
    assert "## Indicators\n\n| kind | value |" in capsys.readouterr().out
    assert run(["signatures", "show", "clearview-ai", "-f", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["indicators"][0]["sources"] == ["https://www.clearview.ai"]
    assert run(["signatures", "show", "clearview"]) == 2
    assert "clearview-ai" in capsys.readouterr().err
    assert run(["signatures", "show", "qqqqqqqqqqqq"]) == 2


def test_listings(capsys, tmp_path, catalogue):
    assert run(["signatures", "list", "--category", "facial-recognition"]) == 0
    faces = [one for one in catalogue.signatures if one.category.partition("/")[0] == "facial-recognition"]
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(faces)
    assert run(["signatures", "list", "-f", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(catalogue.signatures)
    assert run(["signatures", "stats"]) == 0
    assert "services by category" in capsys.readouterr().out
    assert run(["signatures", "stats", "-f", "json", "--at", "2027-01-01"]) == 0
    assert json.loads(capsys.readouterr().out)["overdue"] == 0
    old = write_catalogue(tmp_path / "old")
    new = write_catalogue(tmp_path / "new", more="\n  - {kind: host, value: two.example, sources: [y]}", category="x")
    assert run(["signatures", "diff", str(old), str(new)]) == 0
    said = capsys.readouterr()
    assert said.out == ("changed one category: facial-recognition -> x\nadded   one:host:two.example\n")
    assert said.err == "1 added, 0 removed, 1 changed\n"
    assert run(["signatures", "diff", str(old), str(new), "-f", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["changes"]) == 2
    assert run(["signatures", "nothing"]) == 2
    assert run(["signatures", "test", "--service", "clearview-ai"]) == 0


def test_export_command(capsys, tmp_path):
    assert run(["signatures", "export", "--to", "squid", "--category", "facial-recognition", "--at", "2026-11-22"]) == 0
    first = capsys.readouterr().out
    assert "\n.clearview.ai\n" in first
    file = tmp_path / "out"
    arguments = ["signatures", "export", "--to", "squid", "--at", "2026-11-22", "-o", str(file)]
    assert run([*arguments, "--category", "facial-recognition"]) == 0
    assert file.read_text() == first
    assert run([*arguments, "--service", "pimeyes"]) == 0
    assert "\n.clearview.ai\n" not in file.read_text()
    for wrong in (["--to", "x"], ["--to", "csv", "--service", "x"], ["--to", "csv", "--category", "x"],
                  ["--to", "csv", "-o", str(tmp_path / "no" / "where")]):  # fmt: skip
        assert run(["signatures", "export", *wrong]) == 2


def test_import_command(capsys, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "zoom").write_text("zoom.us\nkeyword:zoom\nmicrosoft.com\n")
    out = tmp_path / "out"
    arguments = ["signatures", "import", "--from", "v2fly", "-o", str(out), "--category", "meeting"]
    assert run([*arguments, str(data)]) == 0
    said = capsys.readouterr()
    assert "1 services, 1 values; 2 refused" in said.out
    assert "keyword:zoom" in said.err
    assert "microsoft.com: is shared" in said.err
    assert run(["signatures", "check", str(out)]) == 0
    assert run(["signatures", "test", str(out)]) == 0
    assert [str(path.relative_to(out)) for path in Path(out).rglob("*.yaml")] == ["meeting/zoom.yaml"]
    assert run([*arguments, str(data / "zoom")]) == 2
    assert "there already" in capsys.readouterr().err
    (data / "zoom").write_text("keyword:zoom\n")
    assert run([*arguments, str(data / "zoom")]) == 2
    assert run([*arguments, str(data / "nothing")]) == 2


def test_import_refuses_what_is_too_large(monkeypatch, tmp_path):
    monkeypatch.setattr("detector.cli.signatures.exchange.SIZE_LIMIT_BYTES", 3)
    (tmp_path / "x").write_text("zoom.us\n")
    assert run(["signatures", "import", "--from", "v2fly", "-o", str(tmp_path), str(tmp_path / "x")]) == 2
