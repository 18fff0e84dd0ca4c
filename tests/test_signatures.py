"""Signature files: every rule with the place of what breaks it, one digest for one content, a cache nobody trusts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tldextract

from detector import documents
from detector.errors import InvalidFile, UsageError
from detector.signatures import cache, load, own_folder, suffixes
from detector.signatures.checks import is_public_suffix, registrable
from detector.signatures.patterns import PatternSet, fault_of

BASE = """\
schema_version: 1
id: one
name: One
vendor: One Ltd
category: test/kind
attribution: dedicated
description: A service.
indicators:
  - {kind: suffix, value: one-service.com, sources: [its own site]}
added: 2026-01-01
reviewed: 2026-01-02
tests:
  positive: [[one-service.com, visited], [www.one-service.com, visited]]
  negative: [other.com, one-service.org, notone-service.com]
"""
INDICATOR = "{kind: suffix, value: one-service.com, sources: [its own site]}"
URL = "{kind: url, value: one-service.com, path_prefix: /a, sources: [s]"
SHARED = "schema_version: 1\nshared: [shared.com]\nsession_proxies: [mcas.ms]\ntranslators: [translate.goog]\n"
MAIL = """\
schema_version: 1
platforms: [sendgrid.net]
kinds:
  - {kind: verify, stage: signed_up, subjects: ["^verify your e-?mail"]}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of signatures with shared files of its own, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "signatures"
    folder.mkdir()
    (folder / "shared_hosts.yml").write_text(SHARED)
    (folder / "mail_stages.yml").write_text(MAIL)
    return folder


def write(folder, name="one", text=BASE, **changes):
    for key, value in changes.items():
        text = text.replace(f"{key}: one", f"{key}: {value}") if key == "id" else text
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def other(name):
    """The text of another service."""
    return BASE.replace("id: one", f"id: {name}").replace("one-service", f"{name}-service")


def problems(*paths):
    with pytest.raises(InvalidFile) as caught:
        load(paths)
    assert caught.value.exit_status == 3
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(one).replace(f"{paths[0]}/", "") for one in caught.value.problems]


class TestRules:
    def test_the_base_is_sound(self, folder):
        write(folder)
        ruleset = load([folder])
        assert [one.id for one in ruleset.signatures] == ["one"]
        assert ruleset.indicators()[0].id == "one:suffix:one-service.com"
        assert "one" in ruleset
        assert "two" not in ruleset
        assert ruleset["one"].name == "One"
        assert ruleset.mail_kinds[0].name == "verify"
        assert ruleset.shared_hosts == {"shared.com"}

    @pytest.mark.parametrize(
        ("old", "new", "found"),
        [
            ("schema_version: 1", "schema_version: 2", "1:1: schema_version: Input should be '1'"),
            ("id: one", "id: One", "2:1: id: String should match pattern '^[a-z0-9]+(?:-[a-z0-9]+)*$'"),
            ("id: one", "id: " + "a" * 65, "2:1: id: String should have at most 64 characters"),
            ("name: One", "name: ' '", "3:1: name: String should have at least 1 character"),
            ("name: One", "nmae: One", "1:1: name: Field required"),
            ("name: One", "name: [One]", "3:1: name: Input should be a valid string"),
            ("vendor: One Ltd", "vendor:", "4:1: vendor: Input should be a valid string"),
            ("category: test/kind", "category: a/b/c", "5:1: category: String should match pattern"),
            ("attribution: dedicated", "attribution: mine", "6:1: attribution: Input should be 'dedicated', 'vendor"),
            ("added: 2026-01-01", "added: yesterday", "10:1: added: Input should be a valid date"),
            ("reviewed: 2026-01-02", "reviewed: 2026-02-30", "11:1: reviewed: Input should be a valid date"),
            (f"  - {INDICATOR}", "  []", "8:1: indicators: List should have at least 1 item"),
            ("added:", "unknown: 1\nadded:", "10:1: unknown: Extra inputs are not permitted"),
            ("added:", "status: gone\nadded:", "10:1: status: Input should be 'active', 'legacy', 'defunct' or"),
            ("added:", "risk: {default: fine}\nadded:", "10:8: risk.default: Input should be 'prohibited', "),
            ("added:", "risk: {factors: [A B]}\nadded:", "10:18: risk.factors.0: String should match pattern"),
            (
                "added:",
                "risk:\n  events:\n    - {date: x}\nadded:",
                "12:8: risk.events.0.date: Input should be a valid",
            ),
            ("added:", "risk:\n  events:\n    - {date: x}\nadded:", "12:7: risk.events.0.ref: Field required"),
            ("added:", "evidence: {used_requests: 0}\nadded:", "10:12: evidence.used_requests: Input should be great"),
            ("added:", "evidence: {used_minutes: five}\nadded:", "10:12: evidence.used_minutes: Input should be a "),
            ("added:", "evidence: {opaque_hosts: [A.b]}\nadded:", "10:27: evidence.opaque_hosts.0: must be a lower-c"),
            ("added:", "mail: {names: [AI]}\nadded:", "10:16: mail.names.0: String should have at least 3 character"),
            ("added:", "mail: {senders: [{domain: a.com}]}\nadded:", "10:18: mail.senders.0.sources: Field required"),
            ("added:", "mail: {subjects: [{stage: won, regex: x}]}\nadded:", "10:20: mail.subjects.0.stage: Input sh"),
            ("added:", "review_every_days: 0\nadded:", "10:1: review_every_days: Input should be greater than"),
            ("negative: [other.com, ", "negative: [", "14:3: tests.negative: List should have at least 3 items"),
            ("[one-service.com, visited], ", "", "13:3: tests.positive: List should have at least 2 items"),
            ("[one-service.com, visited], ", "[one-service.com, seen], ", "13:32: tests.positive.0.1: Input should be"),
            ("[one-service.com, visited], ", "[one-service.com], ", "13:14: tests.positive.0.1: Field required"),
            ("negative: [other", "mail: [[a@b, s, maybe]]\n  negative: [other", "14:19: tests.mail.0.2."),
        ],
    )
    def test_a_broken_rule_is_told_with_its_place(self, folder, old, new, found):
        assert old in BASE
        write(folder, text=BASE.replace(old, new, 1))
        assert any(one.startswith(f"one.yaml:{found}") for one in problems(folder)), problems(folder)

    @pytest.mark.parametrize(
        ("indicator", "found"),
        [
            ("{kind: domain, value: a.com, sources: [s]}", "9:5: indicators.0: Input tag 'domain' found using 'kind'"),
            ("{value: a.com, sources: [s]}", "9:5: indicators.0: Unable to extract tag using discriminator 'kind'"),
            ("{kind: suffix, value: a.com}", "9:5: indicators.0.suffix.sources: Field required"),
            ("{kind: suffix, value: a.com, sources: []}", "9:34: indicators.0.suffix.sources: List should have at"),
            (
                "{kind: suffix, value: A.com, sources: [s]}",
                "9:20: indicators.0.suffix.value: must be a lower-case host",
            ),
            ("{kind: suffix, value: a.com., sources: [s]}", "9:20: indicators.0.suffix.value: must be a lower-case"),
            ("{kind: suffix, value: https://a.com, sources: [s]}", "9:20: indicators.0.suffix.value: must be a lower"),
            ("{kind: suffix, value: 'a.com:443', sources: [s]}", "9:20: indicators.0.suffix.value: must be a lower-c"),
            ("{kind: suffix, value: com, sources: [s]}", "9:20: indicators.0.suffix.value: must be a lower-case host"),
            ("{kind: host, value: -a.com, sources: [s]}", "9:18: indicators.0.host.value: must be a lower-case host"),
            ("{kind: host, value: ☃﹅.com, sources: [s]}", "9:18: indicators.0.host.value: "),
            ("{kind: host, value: a.com, path_prefix: /x, sources: [s]}", "9:32: indicators.0.host.path_prefix: Extra"),
            (
                "{kind: host_pattern, value: a*.com, sources: [s]}",
                "9:26: indicators.0.host_pattern.value: must be at l",
            ),
            (
                "{kind: host_pattern, value: a.*.com, sources: [s]}",
                "9:26: indicators.0.host_pattern.value: the last tw",
            ),
            ("{kind: host_pattern, value: a.b.*, sources: [s]}", "9:26: indicators.0.host_pattern.value: the last two"),
            (
                "{kind: host_pattern, value: '*.a.co', sources: [s]}",
                "9:26: indicators.0.host_pattern.value: must hold a ",
            ),
            (
                "{kind: host_pattern, value: 'A.*.bcd.com', sources: [s]}",
                "9:26: indicators.0.host_pattern.value: must be",
            ),
            (URL.replace("/a", "a") + "}", "9:41: indicators.0.url.path_prefix: must start with / and hold no query"),
            (URL.replace("/a", "'/a?b=1'") + "}", "9:41: indicators.0.url.path_prefix: must start with / and hold"),
            (URL.replace("/a", "'/a#b'") + "}", "9:41: indicators.0.url.path_prefix: must start with / and hold no"),
            (URL + ", methods: [FETCH]}", "9:82: indicators.0.url.methods.0: Input should be 'GET', 'HEAD', 'POST'"),
            (URL + ", min_request_bytes: -1}", "9:72: indicators.0.url.min_request_bytes: Input should be greater"),
            (URL + ", query_has: ''}", "9:72: indicators.0.url.query_has: String should have at least 1 character"),
            (URL + ", stage: gone}", "9:72: indicators.0.url.stage: Input should be 'resolved', 'visited', "),
            (URL + ", confidence: sure}", "9:72: indicators.0.url.confidence: Input should be 'high', 'medium' or"),
            (URL + ", valid_from: 2020-03-01, valid_until: 2020-03-01}", "9:5: indicators.0.url: valid_until must be"),
        ],
    )
    def test_a_broken_indicator_is_told_with_its_place(self, folder, indicator, found):
        write(folder, text=BASE.replace(INDICATOR, indicator))
        assert any(one.startswith(f"one.yaml:{found}") for one in problems(folder)), problems(folder)

    def test_every_kind_of_indicator_is_read(self, folder):
        lines = (
            "{kind: suffix, value: one-service.com, valid_from: 2020-02-01, valid_until: 2020-03-01, sources: [s]}",
            "{kind: host, value: bücher.one-service.com, confidence: low, sources: [s]}",
            "{kind: host_pattern, value: 'face.*.cloud-one.com', sources: [s]}",
            "{kind: url, value: '*.c-one.com', path_prefix: /Put, query_has: id, methods: [PUT], sources: [s]}",
        )
        write(folder, text=BASE.replace(f"  - {INDICATOR}", "\n".join(f"  - {line}" for line in lines)))
        suffix, host, pattern, url = load([folder]).indicators()
        assert (suffix.valid_from, suffix.valid_until) == (1_580_515_200_000_000, 1_583_020_800_000_000)
        assert suffix.is_valid_at(suffix.valid_from)
        assert not suffix.is_valid_at(suffix.valid_from - 1)
        assert not suffix.is_valid_at(suffix.valid_until)
        assert suffix.is_valid_at(None)
        assert (host.host, host.confidence) == ("xn--bcher-kva.one-service.com", "low")
        assert pattern.host == "face.*.cloud-one.com"
        assert url.id == "one:url:PUT *.c-one.com/Put?id"
        assert (url.path, url.query, url.stage) == ("/put", "id", "visited")

    def test_host_or_path_only_refuses_suffixes(self, folder):
        write(folder, text=BASE.replace("attribution: dedicated", "attribution: host-or-path-only"))
        assert problems(folder) == [
            "one.yaml:1:1: the file: attribution host-or-path-only may not hold a suffix: name hosts or paths"
        ]
        write(folder, text=BASE.replace("attribution: dedicated", "attribution: host-or-path-only").replace(
            INDICATOR, INDICATOR.replace("suffix", "host")
        ))  # fmt: skip
        assert load([folder])["one"].attribution == "host-or-path-only"

    def test_a_defunct_service_has_ended(self, folder):
        defunct = BASE.replace("added:", "status: defunct\nadded:", 1)
        write(folder, text=defunct)
        assert problems(folder) == ["one.yaml:1:1: the file: a defunct service needs valid_until on every indicator"]
        write(folder, text=defunct.replace("sources: [its", "valid_until: 2024-01-01, sources: [its"))
        assert load([folder])["one"].status == "defunct"

    @pytest.mark.parametrize(
        ("pattern", "reason"),
        [
            ("(a", "not a pattern that can be matched in linear time: missing )"),
            ("a(?=b)", "not a pattern that can be matched in linear time: invalid perl operator"),
            ("(a)\\1", "not a pattern that can be matched in linear time: invalid escape sequence"),
            ("a*", "must not match an empty text"),
            ("(x{1000}){1000}", "not a pattern that can be matched in linear time: "),
        ],
    )
    def test_patterns_that_take_more_than_linear_time_or_mean_nothing_are_refused(self, folder, pattern, reason):
        text = BASE.replace("added:", f"mail:\n  subjects: [{{stage: paid, regex: '{pattern}'}}]\nadded:", 1)
        write(folder, text=text)
        (found,) = problems(folder)
        assert found.startswith(f"one.yaml:11:28: mail.subjects.0.regex: {reason}")
        assert fault_of(pattern).startswith(reason)

    def test_an_exponential_pattern_is_linear_here(self):
        assert fault_of("(a+)+$") is None
        assert PatternSet(["(a+)+$", "(x+x+)+y"]).matching("a" * 100_000 + "b" + "x" * 100_000) == []

    def test_no_patterns_and_no_text_match_nothing(self):
        assert PatternSet([]).matching("text") == []
        assert PatternSet(["t"]).matching("") == []
        assert PatternSet(["b", "a"]).matching("a\udcff b") == [0, 1]

    def test_accents_are_looked_past_on_both_sides(self):
        patterns = PatternSet([r"\bécole\b", r"schließ", r"n'ai", "bestatig"])
        assert patterns.matching("ECOLE, SCHLIESS, n’ai, bestätigt") == [0, 1, 2, 3]
        assert fault_of("é(") is not None

    @pytest.mark.parametrize("text", ["[]", "text", "", "- id: one"])
    def test_a_file_that_is_no_mapping_is_told(self, folder, text):
        write(folder, text=text)
        assert len(problems(folder)) == 1
        assert "the file: Input should be a valid dictionary" in problems(folder)[0]


class TestWords:
    """Parts of patterns that have a name in ``mail_stages.yml``."""

    def test_a_pattern_is_written_out_with_the_words_above_it(self, folder):
        write(folder)
        worded = MAIL.replace("kinds:", "words: {mail: e-?mail, your: 'your {mail}'}\nkinds:").replace(
            "your e-?mail", "{your}"
        )
        (folder / "mail_stages.yml").write_text(worded)
        assert [kind.subjects for kind in load([folder]).mail_kinds] == [("^verify your e-?mail",)]

    def test_a_word_that_nobody_wrote_is_told_where_it_is_named(self, folder):
        write(folder)
        (folder / "mail_stages.yml").write_text(MAIL.replace("e-?mail", "{mail}"))
        (found,) = problems(folder)
        assert found.startswith("mail_stages.yml:4:49: ")
        assert "names the word {mail}" in found

    def test_words_that_are_no_mapping_are_told(self, folder):
        write(folder)
        (folder / "mail_stages.yml").write_text(MAIL.replace("kinds:", "words: [mail]\nkinds:"))
        assert [one.partition(": ")[0] for one in problems(folder)] == ["mail_stages.yml:3:1"]


class TestAcross:
    def test_all_faults_of_all_files_come_at_once_in_order(self, folder):
        write(folder, "one", BASE.replace("name: One", "name: ''").replace("added: 2026", "added: x2026"))
        write(folder, "broken", "id: [\n")
        write(folder, "twice", other("twice") + "id: twice\n")
        write(folder, "two", other("two").replace("suffix, value: two-service.com", "suffix, value: shared.com"))
        (folder / "mail_stages.yml").write_text(MAIL.replace("^verify", "(verify"))
        (folder / "shared_hosts.yml").write_text(SHARED)
        found = problems(folder)
        assert [one.partition(": ")[0] for one in found] == [
            "broken.yaml:2:1", "mail_stages.yml:4:49", "one.yaml:3:1", "one.yaml:10:1", "twice.yaml:15:1",
            "two.yaml:9:20",
        ]  # fmt: skip

    def test_a_faulty_file_of_shared_hosts_is_one_of_the_faults(self, folder):
        write(folder)
        (folder / "shared_hosts.yml").write_text("schema_version: 1\nshared: [COM]\n")
        assert [one.partition(": ")[0] for one in problems(folder)] == [
            "shared_hosts.yml:1:1", "shared_hosts.yml:1:1", "shared_hosts.yml:2:10",
        ]  # fmt: skip

    def test_an_id_is_the_name_of_its_file(self, folder):
        write(folder, "another")
        assert problems(folder) == ["another.yaml:2:1: id 'one' must be the file's name"]

    def test_an_id_is_used_once(self, folder):
        write(folder, "a/one")
        write(folder, "b/one", BASE.replace("one-service", "uno-service"))
        assert problems(folder) == ["b/one.yaml:2:1: id 'one' is already used by a/one.yaml"]

    @pytest.mark.parametrize("kind", ["suffix", "host"])
    def test_a_host_has_one_owner(self, folder, kind):
        indicator = INDICATOR.replace("suffix", kind)
        write(folder, "one", BASE.replace(INDICATOR, indicator))
        write(folder, "two", other("two").replace(INDICATOR.replace("one-service", "two-service"), indicator))
        assert problems(folder) == [f"two.yaml:9:{14 + len(kind)}: {kind} one-service.com already belongs to one"]

    def test_a_path_and_a_host_below_a_suffix_may_be_anothers(self, folder):
        write(folder, "one")
        text = BASE.replace("id: one", "id: two")
        write(folder, "two", text.replace(INDICATOR, INDICATOR.replace("suffix", "host")))
        write(folder, "three", text.replace("id: two", "id: three").replace(INDICATOR, URL + "}"))
        assert len(load([folder]).signatures) == 3

    def test_an_indicator_stands_once(self, folder):
        write(folder, text=BASE.replace(f"  - {INDICATOR}", f"  - {INDICATOR}\n  - {INDICATOR}"))
        assert problems(folder) == ["one.yaml:10:5: suffix one-service.com stands twice"]

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            ("shared.com", "shared.com is shared by many services: name hosts or paths instead"),
            ("co.uk", "co.uk is a public suffix: it would catch unrelated sites"),
            ("github.io", "github.io is a public suffix: it would catch unrelated sites"),
        ],
    )
    def test_what_others_live_below_is_no_suffix(self, folder, value, sentence):
        write(folder, text=BASE.replace("value: one-service.com", f"value: {value}"))
        assert problems(folder) == [f"one.yaml:9:20: {sentence}"]

    def test_public_suffixes_are_known_without_a_network(self):
        assert is_public_suffix("s3.amazonaws.com")
        assert not is_public_suffix("one-service.com")
        assert is_public_suffix("co.uk")
        wild = (
            "foo.ck",
            "www.ck",
            "ck",
            "city.kawasaki.jp",
            "a.kawasaki.jp",
            "xn--55qx5d.cn",
            "\u516c\u53f8.cn",
            "test",
        )
        assert [is_public_suffix(one) for one in wild] == [True, False, False, False, True, True, True, False]

    @pytest.mark.parametrize(
        ("host", "owned"),
        [
            ("app.example.co.uk", "example.co.uk"),
            ("co.uk", ""),
            ("192.0.2.7", ""),
            ("a.b.unknowntld", "b.unknowntld"),
            ("localhost", ""),
        ],
    )
    def test_the_part_of_a_host_that_somebody_registered(self, host, owned):
        assert registrable(host) == owned

    @pytest.mark.parametrize("front", ["", "www.", "a.b.", "xn--bcher-kva.", "www.CK.", "公司."])
    def test_domains_are_those_of_the_library_whose_list_it_is(self, front):
        of = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
        others = ["printer", "10.0.0.7", "a..com", "", "x.公司。cn", "www.example.COM.", "xn--55qx5d.cn"]
        for rule in sorted(suffixes.rules())[::7] + others:
            host = front + rule.lstrip("!").replace("*", "city")
            found = of(host)
            assert suffixes.registered(host) == (
                f"{found.domain}.{found.suffix}" if found.domain and found.suffix else ""
            )


class TestFolders:
    def test_a_path_that_is_not_there_or_empty_is_wrong_usage(self, folder, tmp_path):
        with pytest.raises(UsageError, match="no such signature file or folder"):
            load([tmp_path / "missing"])
        with pytest.raises(UsageError, match=r"holds no signature \(\*.yaml\)"):
            load([folder])

    def test_files_and_folders_may_be_mixed_and_bring_the_own_shared_files(self, folder, tmp_path):
        file = write(tmp_path / "elsewhere", "two", other("two"))
        write(folder)
        ruleset = load([folder, file])
        assert [one.id for one in ruleset.signatures] == ["one", "two"]
        assert ruleset.shared_hosts == {"shared.com"}
        assert load([file]).shared_hosts == load().shared_hosts

    def test_the_last_folder_with_shared_files_counts(self, folder, tmp_path):
        last = tmp_path / "last"
        write(last, "two", other("two"))
        (last / "shared_hosts.yml").write_text(SHARED.replace("shared.com", "other.com"))
        write(folder)
        assert load([folder, last]).shared_hosts == {"other.com"}
        assert load([last, folder]).shared_hosts == {"shared.com"}
        assert load([folder, last]).mail_platforms == {"sendgrid.net"}

    def test_an_installed_catalogue_lies_beside_the_package(self, monkeypatch, tmp_path):
        assert own_folder().name == "signatures"
        (tmp_path / "detector" / "catalogue").mkdir(parents=True)
        monkeypatch.setattr("detector.signatures.loader.__file__", str(tmp_path / "detector" / "signatures" / "l.py"))
        assert own_folder() == tmp_path / "detector" / "catalogue"


class TestDigest:
    def test_comments_layout_folders_and_order_of_keys_do_not_count(self, folder, tmp_path):
        write(folder)
        digest = load([folder]).digest
        assert len(digest) == 64
        head, _, rest = BASE.partition("name: One\n")
        moved = tmp_path / "moved"
        write(moved, "deep/er/one", f"# another comment\n{head}{rest}name:   'One'   # the name\n")
        (moved / "shared_hosts.yml").write_text("# comment\n" + SHARED)
        (moved / "mail_stages.yml").write_text(MAIL)
        assert load([moved]).digest == digest

    @pytest.mark.parametrize("part", ["name: One", "suffix, value: one-service.com", "visited]"])
    def test_content_counts(self, folder, part):
        write(folder)
        digest = load([folder]).digest
        changed = {"name: One": "name: Two", "visited]": "used]"}.get(part, "suffix, value: one-service.net")
        write(folder, text=BASE.replace(part, changed, 1))
        assert load([folder]).digest != digest

    @pytest.mark.parametrize(
        ("file", "old", "new"), [("shared_hosts.yml", "shared.com", "b.com"), ("mail_stages.yml", "^v", "v")]
    )
    def test_shared_files_count(self, folder, file, old, new):
        write(folder)
        digest = load([folder]).digest
        path = folder / file
        path.write_text(path.read_text().replace(old, new))
        assert load([folder]).digest != digest

    def test_the_cache_changes_nothing(self, folder):
        write(folder)
        first, second = load([folder]), load([folder])
        assert first == second
        assert first.digest == second.digest


def entries(folder):
    return sorted((folder.parent / "cache" / "shadowit").iterdir())


def is_checked_again(folder, monkeypatch):
    """Whether loading looks at the YAML again."""
    seen = []
    read = documents.read
    with monkeypatch.context() as patch:
        patch.setattr(documents, "read", lambda path: (seen.append(path), read(path))[1])
        load([folder])
    return bool(seen)


class TestCache:
    def test_what_is_checked_once_is_kept_in_a_private_folder(self, folder, monkeypatch):
        write(folder)
        load([folder])
        (entry,) = entries(folder)
        assert entry.parent.stat().st_mode & 0o777 == 0o700
        assert entry.stat().st_mode & 0o777 == 0o600
        assert not is_checked_again(folder, monkeypatch)

    @pytest.mark.parametrize("garbage", [b"", b"{", b"null", b"[]", b'{"digest": "0"}', b"\0" * 100], ids=repr)
    def test_a_damaged_entry_counts_as_missing_and_is_made_anew(self, folder, monkeypatch, garbage):
        write(folder)
        ruleset = load([folder])
        entries(folder)[0].write_bytes(garbage)
        assert load([folder]) == ruleset
        assert not is_checked_again(folder, monkeypatch)

    def test_one_changed_byte_is_seen(self, folder):
        write(folder)
        ruleset = load([folder])
        content = bytearray(entries(folder)[0].read_bytes())
        content[content.index(b"one-service")] ^= 1
        entries(folder)[0].write_bytes(content)
        assert load([folder]) == ruleset

    def test_an_edit_is_seen_even_when_size_and_time_are_set_back(self, folder):
        path = write(folder)
        before = path.stat()
        digest = load([folder]).digest
        path.write_text(BASE.replace("name: One", "name: Two"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert load([folder]).digest != digest
        assert load([folder])["one"].name == "Two"

    def test_an_added_and_a_removed_file_are_seen(self, folder):
        write(folder)
        load([folder])
        two = write(folder, "two", other("two"))
        assert len(load([folder]).signatures) == 2
        two.unlink()
        assert len(load([folder]).signatures) == 1

    def test_invalid_files_are_never_kept(self, folder):
        write(folder, text=BASE.replace("name: One", "name: ''"))
        assert problems(folder) == problems(folder)
        assert not (folder.parent / "cache").exists() or entries(folder) == []

    def test_a_folder_that_others_may_write_is_not_trusted(self, folder, monkeypatch):
        write(folder)
        load([folder])
        entries(folder)[0].parent.chmod(0o777)
        assert cache.folder() is None
        assert is_checked_again(folder, monkeypatch)
        cache.put("name", b"content")
        assert cache.get("name") is None

    def test_an_entry_that_others_may_write_is_not_trusted(self, folder, monkeypatch):
        write(folder)
        load([folder])
        entries(folder)[0].chmod(0o622)
        assert is_checked_again(folder, monkeypatch)

    def test_a_linked_entry_or_folder_is_not_followed(self, folder, monkeypatch, tmp_path):
        write(folder)
        load([folder])
        (entry,) = entries(folder)
        entry.rename(tmp_path / "moved")
        entry.symlink_to(tmp_path / "moved")
        assert cache.get(entry.name) is None
        entry.unlink()
        entry.parent.rename(tmp_path / "real")
        entry.parent.symlink_to(tmp_path / "real")
        assert cache.folder() is None
        assert is_checked_again(folder, monkeypatch)

    def test_a_folder_where_an_entry_should_be_is_no_entry(self, folder):
        cache.put("name", b"content")
        (entry,) = entries(folder)
        entry.unlink()
        entry.mkdir()
        assert cache.get("name") is None
        cache.put("name", b"content")
        assert cache.get("name") is None

    def test_a_file_of_another_user_is_not_trusted(self, folder, monkeypatch):
        cache.put("name", b"content")
        assert cache.get("name") == b"content"
        monkeypatch.setattr(os, "geteuid", lambda: entries(folder)[0].stat().st_uid + 1)
        assert cache.get("name") is None

    def test_without_a_home_or_a_writable_place_everything_works(self, folder, monkeypatch, tmp_path):
        write(folder)
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        assert cache.folder() is None
        assert load([folder]) == load([folder])
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert cache.folder() == tmp_path / "home" / ".cache" / "shadowit"
        monkeypatch.delenv("HOME")
        assert cache.folder() is None
        assert len(load([folder]).signatures) == 1

    @pytest.mark.usefixtures("folder")
    def test_a_full_disk_only_means_that_nothing_is_kept(self, monkeypatch):
        monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        cache.put("name", b"content")
        assert cache.get("name") is None

    def test_the_oldest_entries_go_first(self, folder):
        for number in range(cache.KEPT_FILES + 3):
            cache.put(f"{number:02d}", b"x")
            os.utime(cache.folder() / f"{number:02d}", (number, number))
        assert [path.name for path in entries(folder)] == [f"{n:02d}" for n in range(3, cache.KEPT_FILES + 3)]

    def test_three_thousand_files_load_without_the_checkers_once_they_are_known(self, folder):
        for number in range(3_000):
            write(folder, f"c{number % 30:02d}/s{number}", other(f"s{number}"))
        code = (
            "import sys; from pathlib import Path; from detector.signatures import load; "
            "print(len(load([Path(sys.argv[1])]).signatures), [m for m in "
            "('pydantic', 'yaml', 'tldextract', 're2', 'detector.documents') if m in sys.modules])"
        )
        runs = [
            subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True).stdout
            for _ in range(2)
        ]
        assert runs == [
            "3000 ['pydantic', 'yaml', 're2', 'detector.documents']\n",
            "3000 []\n",
        ]


class TestOwnCatalogue:
    def test_it_is_sound_and_its_tests_pass(self, catalogue):
        from detector.match.embedded import failures  # noqa: PLC0415 - compiles patterns

        failed, total = failures(catalogue)
        assert failed == []
        assert total > 5_000

    def test_every_service_lies_in_the_folder_of_its_category(self, catalogue):
        places = {path.stem: path.parent for path in own_folder().rglob("*.yaml")}
        for one in catalogue.signatures:
            assert places[one.id].name in one.category.split("/"), one.id
