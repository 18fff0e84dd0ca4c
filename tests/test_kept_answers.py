"""An answer of the store is the answer of an audit of the same logs: the same verdict, for the same reasons."""

import contextlib
import functools
import json
import shutil
import sqlite3

import pytest
from test_cli import shadowit  # noqa: F401 - a fixture

from detector.coverage import Sampled
from detector.events import Col, Kind
from detector.scan import Sample
from detector.store import Store

MORE = ("calgary", "edmonton", "opp", "rcmp", "visits-only", "advertised", "lookalikes", "shared-infra")
DECEMBER = ("--since", "2019-12-01", "--until", "2020-01-01")
LISTED = ("id", "units", "evidence")
"""What of a party does not stand in a store, or stands otherwise: small units, places by another id of the stream."""


def written(folder, story, root):
    """A folder with a story's logs and two configurations: one source for each device, and a key for pseudonyms.

    What ``logs.yml`` names as its store is never made: with it the logs are read.
    """
    source = root / "sample_logs" / "stories" / story
    shutil.copytree(source / "logs", folder / "logs")
    for name in ("people.csv", "policy.yml"):
        shutil.copy(source / name, folder / name)
    (folder / "key").write_text("0123456789abcdef" * 4)
    (folder / "key").chmod(0o600)
    devices = sorted(one.name for one in (folder / "logs").iterdir())
    sources = "".join(f"  - {{name: {one}, paths: [{folder}/logs/{one}]}}\n" for one in devices)
    for name, store in (("shadowit.yml", "kept"), ("logs.yml", "none")):
        (folder / name).write_text(
            f"store: sqlite:///{store}/shadowit.db\npeople: people.csv\npolicy: policy.yml\n"
            f"privacy: {{key_file: key}}\nsources:\n{sources}"
        )
    return folder


@pytest.fixture
def site(tmp_path, root):
    """A story's folder that the test may change."""
    return lambda story: written(tmp_path, story, root)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory, root):
    """A story's folder as it is; who asks first lets a daemon read it, and the others have the store."""
    return functools.cache(lambda story: written(tmp_path_factory.mktemp(story), story, root))


@pytest.fixture
def both(shadowit):
    """The answer of the logs, and that of the store that has read them."""

    def ask(folder, *options):
        words = ("answer", "clearview-ai", "-f", "json", "-q", *options, "-c")
        told = shadowit(*words, folder / "logs.yml")
        if not (folder / "kept").exists():
            assert shadowit("run", "--once", "-q", "-c", folder / "shadowit.yml").status in (0, 4)
        kept = shadowit(*words, folder / "shadowit.yml")
        assert kept.status == told.status, kept.err
        return json.loads(told.out), json.loads(kept.out)

    return ask


def reasons(answer, *, is_store):
    """Verdict, ledger and people of an answer, but for what a store does not keep by design."""
    coverage = answer["coverage"]
    signs = [one for one in coverage["signs"] if "people of the directory" not in one]
    assert coverage["directory"] is None or not is_store
    party = ({key: value for key, value in one.items() if key not in LISTED} for one in answer["people"])
    return {
        "outcome": answer["outcome"],
        "question": answer["question"],
        "coverage": {**coverage, "signs": signs, "directory": None},
        "people": sorted(map(str, party)),
        "ids": sorted(one["id"] for one in answer["people"]),
        "traces": len(answer["traces"]),
        "orders": answer["orders"],
        "approvals": answer["approvals"],
    }


@pytest.mark.parametrize("story", ["halifax", *(pytest.param(one, marks=pytest.mark.repeats) for one in MORE)])
def test_a_story_is_answered_alike(story, untouched, both):
    told, kept = both(untouched(story))
    assert reasons(kept, is_store=True) == reasons(told, is_store=False)
    assert kept["spread"] is None
    said = " ".join(kept["text"])
    assert ("Who brought whom cannot be told from the store" in said) is bool(kept["people"])
    assert "how many people of the directory these logs show cannot be told" in said


@pytest.mark.repeats
@pytest.mark.parametrize(
    "options", [DECEMBER, ("--stage", "visited"), ("--kinds", "proxy", "--require-coverage", "50")]
)
def test_whatever_is_asked(options, untouched, both):
    told, kept = both(untouched("calgary"), *options)
    mine, others = reasons(kept, is_store=True), reasons(told, is_store=False)
    # Of a part of the time the store has the samples of that part; an audit has those of all the logs that it read.
    for one in (mine, others):
        one["coverage"].pop("signs")
    assert mine == others


@pytest.mark.repeats
@pytest.mark.parametrize("lost", ["proxysg", "bind", "m365", "dhcp"])
def test_without_a_device_the_same_is_lacking(lost, site, both):
    folder = site("visits-only")
    shutil.rmtree(folder / "logs" / lost)
    told, kept = both(folder)
    assert reasons(kept, is_store=True) == reasons(told, is_store=False)


def test_a_log_that_cannot_be_read_is_lacking_alike(site, both):
    folder = site("shared-infra")
    device = max((folder / "logs").iterdir())
    (device / "strange.log").write_text("nothing that any format reads\n" * 50)
    told, kept = both(folder)
    assert any("no log format reads its lines" in one["text"] for one in kept["coverage"]["lacking"])
    assert reasons(kept, is_store=True) == reasons(told, is_store=False)


@pytest.mark.repeats
def test_logs_that_grow_are_judged_like_whole_ones(site, both, shadowit):
    """What is read in three passes, by programs that know nothing of each other, is what is read at once."""
    folder = site("lookalikes")
    plain = [one for one in (folder / "logs").rglob("*") if one.is_file() and one.suffix not in (".gz", ".xz", ".zst")]
    whole = {path: path.read_bytes() for path in plain}
    for third in (1, 2):
        for path, data in whole.items():
            path.write_bytes(data[: data.rindex(b"\n", 0, len(data) * third // 3) + 1])
        assert shadowit("run", "--once", "-q", "-c", folder / "shadowit.yml").status == 0
    for path, data in whole.items():
        path.write_bytes(data)
    assert shadowit("run", "--once", "-q", "-c", folder / "shadowit.yml").status == 0
    told, kept = both(folder)
    mine, others = reasons(kept, is_store=True), reasons(told, is_store=False)
    for one in (mine, others):
        assert one["coverage"].pop("signs") == []
    assert mine == others


def test_a_log_that_names_no_hosts_proves_nothing_from_the_store_too(site, both):
    """A proxy whose lines hold neither host nor URL cannot show a service, and the store remembers that."""
    folder = site("shared-infra")
    shutil.rmtree(folder / "logs")
    (folder / "logs").mkdir()
    (folder / "logs" / "access.log").write_text("".join(
        f"{1582797600 + 60 * number}.000 12 10.0.0.7 TCP_TUNNEL/200 51 CONNECT 203.0.113.{number % 250}:443 u{number} "
        "HIER_DIRECT/1.2.3.4 -\n" for number in range(500)
    ))  # fmt: skip
    for name, store in (("shadowit.yml", "kept"), ("logs.yml", "none")):
        (folder / name).write_text(
            f"store: sqlite:///{store}/shadowit.db\nprivacy: {{key_file: key}}\nsources:\n"
            f"  - {{name: proxy, format: squid, paths: [{folder}/logs/access.log]}}\n"
        )
    told, kept = both(folder)
    assert reasons(kept, is_store=True) == reasons(told, is_store=False)
    assert any("of the sampled requests name no host" in one for one in kept["coverage"]["signs"])


def test_samples_are_kept_without_names(site, shadowit):
    folder = site("shared-infra")
    assert shadowit("run", "--once", "-q", "-c", folder / "shadowit.yml").status == 0
    with Store.open(f"sqlite:///{folder}/kept/shadowit.db", writable=True) as store:
        samples = store.samples()
        assert {one.sample.accounts for one in samples} == {frozenset()}
        assert any(Col.USER in one.sample.columns for one in samples)
        before = next(one for one in samples if Kind.PROXY in one.sample.kinds)
        more = Sampled(before.source, before.dataset, before.day, Sample(
            events=1, kinds=before.sample.kinds, columns=frozenset({Col.USER_AGENT}), accounts=frozenset({"jane"}),
            backward=7), notes=("said",))  # fmt: skip
        with store.batch(1) as batch:
            batch.sample(more)
        (after,) = [one for one in store.samples() if (one.source, one.day) == (before.source, before.day)]
        assert after == before + more.unnamed
    with contextlib.closing(sqlite3.connect(folder / "kept" / "shadowit.db")) as connection:
        assert "jane" not in "\n".join(connection.iterdump())
