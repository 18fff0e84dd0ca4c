"""Metrics: the set that is promised, complete from the start, bounded, and quick."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import small_ruleset
from prometheus_client.parser import text_string_to_metric_families

from detector.events import Stage, from_iso
from detector.metrics import CONTENT_TYPE, FAMILIES, OTHER, Page, Service, Snapshot, Source, catalogue_of
from detector.metrics.text import library_family
from detector.policy import Verdict

NOW = from_iso("2026-03-02T10:00:00Z")
PROMISED = (
    "build_info config_last_reload_successful signatures source_records_total source_read_bytes_total "
    "source_newest_record_timestamp_seconds source_last_success_timestamp_seconds source_lag_bytes source_gap_seconds "
    "scan_last_success_timestamp_seconds scan_last_duration_seconds scan_failures_total job_skipped_total "
    "sightings_total findings service_actors service_first_seen_timestamp_seconds "
    "service_last_seen_timestamp_seconds service_order_timestamp_seconds approval_expiry_timestamp_seconds "
    "notifications_total outbox_pending canary_last_success_timestamp_seconds"
)
CATALOGUE = {"clearview-ai": Service("facial-recognition", (Stage.RESOLVED, Stage.USED)), "x": Service("chat", ())}
WHOLE = Snapshot(
    ruleset="r", policy="p", is_reload_good=False, catalogue=CATALOGUE,
    sources={"proxy": Source(5, 90, 1, 4096, NOW, NOW, 7, 60.5, NOW), "dns": Source()},
    succeeded=NOW, duration_s=0.25, failures=2, skipped={("proxy", "running"): 1},
    sightings={("clearview-ai", "used"): 3, ("clearview-ai", "uploaded"): 1},
    findings={("clearview-ai", "unapproved"): 2},
    actors={("clearview-ai", "unapproved"): 2, ("clearview-ai", "approved"): 1},
    first_seen={"clearview-ai": NOW, "gone": NOW}, last_seen={"clearview-ai": NOW}, orders={"clearview-ai": NOW},
    approvals={"x": NOW}, notifications={("am", "delivered"): 4}, pending={"am": 0, "jsonl": 2},
)  # fmt: skip


LABELS = {family.name: family.labels for family in FAMILIES}


def samples(snapshot):
    return {
        (sample.name, *(sample.labels[name] for name in LABELS.get(sample.name, ()))): sample.value
        for family in text_string_to_metric_families(Page().text(snapshot).decode())
        for sample in family.samples
    }


def test_the_table_is_the_promised_one():
    assert [family.name.removeprefix("shadowit_") for family in FAMILIES] == PROMISED.split()
    assert len({family.text for family in FAMILIES}) == len(FAMILIES)


def test_no_label_can_name_a_person():
    labels = {label for family in FAMILIES for label in family.labels}
    assert labels <= {"version", "ruleset", "policy", "category", "source", "result", "job", "reason", "service",
                      "stage", "verdict", "sink"}  # fmt: skip


def test_a_moment_is_written_whole():
    found = samples(WHOLE)
    at = NOW / 1_000_000
    expected = {
        ("shadowit_config_last_reload_successful",): 0,
        ("shadowit_signatures", "facial-recognition"): 1,
        ("shadowit_source_records_total", "proxy", "parsed"): 5,
        ("shadowit_source_records_total", "proxy", "filtered"): 90,
        ("shadowit_source_records_total", "dns", "unparsed"): 0,
        ("shadowit_source_read_bytes_total", "proxy"): 4096,
        ("shadowit_source_newest_record_timestamp_seconds", "proxy"): at,
        ("shadowit_source_lag_bytes", "proxy"): 7,
        ("shadowit_source_gap_seconds", "proxy"): 60.5,
        ("shadowit_scan_last_success_timestamp_seconds",): at,
        ("shadowit_scan_last_duration_seconds",): 0.25,
        ("shadowit_scan_failures_total",): 2,
        ("shadowit_job_skipped_total", "proxy", "running"): 1,
        ("shadowit_sightings_total", "clearview-ai", "facial-recognition", "used"): 3,
        ("shadowit_sightings_total", "clearview-ai", "facial-recognition", "uploaded"): 1,
        ("shadowit_sightings_total", "clearview-ai", "facial-recognition", "resolved"): 0,
        ("shadowit_findings", "clearview-ai", "unapproved"): 2,
        ("shadowit_service_actors", "clearview-ai", "approved"): 1,
        ("shadowit_service_first_seen_timestamp_seconds", "clearview-ai"): at,
        ("shadowit_service_order_timestamp_seconds", "clearview-ai"): at,
        ("shadowit_approval_expiry_timestamp_seconds", "x"): at,
        ("shadowit_notifications_total", "am", "delivered"): 4,
        ("shadowit_notifications_total", "jsonl", "parked"): 0,
        ("shadowit_outbox_pending", "jsonl"): 2,
        ("shadowit_canary_last_success_timestamp_seconds", "proxy"): at,
    }
    assert {key: found[key] for key in expected} == expected
    assert ("shadowit_source_newest_record_timestamp_seconds", "dns") not in found
    assert not any("gone" in key for key in found)


def test_every_service_has_every_verdict_from_the_start():
    found = samples(Snapshot(catalogue=CATALOGUE))
    for name in ("shadowit_findings", "shadowit_service_actors"):
        assert {key[1:]: value for key, value in found.items() if key[0] == name} == {
            (service, verdict.value): 0 for service in CATALOGUE for verdict in Verdict
        }


def test_a_daemon_that_has_done_nothing_yet_says_so():
    found = samples(Snapshot())
    assert found["shadowit_scan_failures_total",] == 0
    assert ("shadowit_scan_last_success_timestamp_seconds",) not in found


def test_the_process_shows_its_own_figures():
    assert samples(Snapshot())["process_resident_memory_bytes",] > 1_000_000


def test_quick_lines_say_what_the_library_says():
    quick = text_string_to_metric_families("".join(Page().wide_lines(WHOLE)))
    for family, made in zip([one for one in FAMILIES if one.wide], quick, strict=True):
        slow = library_family(family, WHOLE)
        assert (slow.name, slow.type, slow.documentation) == (made.name, made.type, made.documentation)
        assert [(one.name, one.labels, one.value) for one in slow.samples] == [
            (one.name, one.labels, one.value) for one in made.samples
        ]


def test_what_left_the_catalogue_is_counted_as_other():
    found = samples(
        Snapshot(
            catalogue=CATALOGUE,
            sightings={("gone", "used"): 3, ("away", "used"): 4},
            findings={("gone", "unapproved"): 1},
        )
    )
    assert found["shadowit_sightings_total", OTHER, OTHER, "used"] == 7
    assert found["shadowit_findings", OTHER, "unapproved"] == 1
    assert not any("gone" in key for key in found)


@given(st.integers(1, 1200))
def test_series_are_bounded_and_counts_are_not_lost(many):
    sources = {f"s{n:05}": Source(parsed=1, newest=n, succeeded=None if n % 2 else n) for n in range(many)}
    bounded = Snapshot(
        sources=sources,
        skipped={(f"j{n:05}", "r"): 1 for n in range(many)},
        notifications={(f"k{n:05}", "parked"): 1 for n in range(many)},
        pending={f"k{n:05}": 1 for n in range(many)},
    ).bounded(100)
    for counts in (bounded.sources, bounded.skipped, bounded.notifications, bounded.pending):
        assert len(counts) <= 101
    assert sum(source.parsed for source in bounded.sources.values()) == many
    assert sum(bounded.skipped.values()) == sum(bounded.notifications.values()) == sum(bounded.pending.values()) == many
    if many > 102:
        assert (bounded.sources[OTHER].newest, bounded.sources[OTHER].succeeded) == (100, None)


def test_a_million_users_make_no_series():
    few, many = (samples(Snapshot(catalogue=CATALOGUE, actors={("x", "unapproved"): n})) for n in (1, 1_000_000))
    assert few.keys() == many.keys()


def test_a_name_from_a_configuration_is_escaped():
    name = 'a"b\\c\nd'
    assert samples(Snapshot(sources={name: Source(parsed=2)}))["shadowit_source_records_total", name, "parsed"] == 2


def test_the_catalogue_of_a_ruleset():
    found = catalogue_of(small_ruleset())
    assert found["clearview"].category == "test"
    assert set(found["clearview"].stages) >= {Stage.RESOLVED, Stage.VISITED, Stage.UPLOADED}
    assert list(found["clearview"].stages) == sorted(found["clearview"].stages, key=list(Stage).index)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("snapshot", [Snapshot(), WHOLE], ids=["empty", "whole"])
def test_promtool_has_nothing_to_say(snapshot):
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=Page().text(snapshot), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_its_type_is_the_text_format():
    assert re.fullmatch(r"text/plain; version=0\.0\.4; charset=utf-8", CONTENT_TYPE)


def test_the_lines_of_a_page_are_those_of_the_moment_whatever_it_showed_before():
    page, less = Page(), dict(list(CATALOGUE.items())[1:])
    seen = {(next(iter(CATALOGUE)), "used"): 3, ("gone", "used"): 2}
    for moment in (Snapshot(catalogue=CATALOGUE), replace(WHOLE, catalogue=CATALOGUE),
                   Snapshot(catalogue=CATALOGUE, sightings=seen), Snapshot(catalogue=less, sightings=seen),
                   Snapshot(catalogue=CATALOGUE)):  # fmt: skip
        assert list(page.wide_lines(moment)) == list(Page().wide_lines(moment))
