"""Reports: six ways out of one hand-made audit, none of which a log line can take over."""

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len

from detector.events import from_iso, to_iso
from detector.report import SCHEMA, WRITERS, ActorRow, EvidenceRow, FindingRow, Report, SourceRow
from detector.report.ledger import add_up
from detector.report.limits import completeness, limits
from detector.report.text import cut, cut_middle, visible

PROXY, OLD_PROXY, DNS, MAIL = "/var/log/squid/access.log", "/var/log/squid/access.log.2.gz", "/var/log/dns.log", "mail.log"


def at(text):
    return from_iso(text)


def evidence(path, offset, stage, when, *, denied=False, indicator="clearview-ai:suffix:clearview.ai"):
    digest = f"{offset:064x}"
    instant = None if when is None else at(when)
    return EvidenceRow(path, offset, 180, digest, indicator, stage, instant, denied, digest[:32])


def finding(actor, stage, rows, **changes):
    """A finding from (stage, day, count) rows; every day is one row of ``per_day``."""
    by_stage = {}
    for name, day, count in rows:
        by_stage.setdefault(name, []).append((at(day), count))
    stages = tuple((name, min(d)[0], max(d)[0], sum(n for _, n in d)) for name, d in by_stage.items())
    days = [at(day) for _, day, _ in rows]
    plain = FindingRow(
        service="clearview-ai",
        service_name="Clearview AI",
        category="facial-recognition/investigative-platform",
        actor=actor,
        stage=stage,
        confidence="confirmed",
        verdict="unreviewed",
        first_seen=min(days),
        last_seen=max(days),
        days=len(set(days)),
        sightings=sum(count for _, _, count in rows),
        bytes_sent=0,
        denied=0,
        sources=(PROXY,),
        stages=stages,
        per_day=tuple(sorted((at(day), name, count) for name, day, count in rows)),
        evidence=tuple(evidence(PROXY, 1000 * place, name, day) for place, (name, day, _) in enumerate(rows)),
        data_location="US",
    )
    return replace(plain, **changes)


JANE = ActorRow("jane.doe@agency.example", "person", "jane.doe@agency.example", "Major crimes", "high")
SAM = ActorRow("sam.field", "account", "sam.field", "", "high")
BOX = ActorRow("tips@agency.example", "mailbox", "tips@agency.example", "", "medium")
HOST = ActorRow("10.20.30.40", "address", "10.20.30.40", "", "low")


def sources():
    return (
        SourceRow(
            PROXY, "squid", "proxy", 48_211_002, 310_442, 512, parsed=311, filtered=310_117, unparsed=14,
            first_event=at("2019-10-01T00:00:04"), last_event=at("2020-02-29T23:59:51"),
            spans=(
                (at("2019-10-01T00:00:04"), at("2019-12-20T18:00:00")),
                (at("2019-12-27T06:12:00"), at("2020-02-29T23:59:51")),
            ),
            gaps=((at("2019-12-20T18:00:00"), at("2019-12-27T06:12:00")),),
            refusals=(("too few fields", 9), ("not a number: 'abc'", 5)),
        ),
        SourceRow(
            OLD_PROXY, "squid", "proxy", 9_120_331, 60_120, 88, parsed=88, filtered=60_032,
            first_event=at("2019-07-02T00:00:00"), last_event=at("2019-09-14T11:02:13"),
            spans=((at("2019-07-02T00:00:00"), at("2019-09-14T11:02:13")),),
            unread="gzip data ends early after 9,120,331 bytes: the lines before it were read",
        ),
        SourceRow("/var/log/squid/copy-of-access.log", "squid", "proxy", 48_211_002, 310_442, 512, parsed=311,
                  filtered=310_131, first_event=at("2019-10-01T00:00:04"), last_event=at("2020-02-29T23:59:51"),
                  spans=((at("2019-10-01T00:00:04"), at("2020-02-29T23:59:51")),), copy_of=PROXY),
        SourceRow(
            DNS, "unbound", "dns", 120_400_118, 1_402_331, 2_210, parsed=2_210, filtered=1_400_119, oversize=2,
            first_event=at("2019-08-01T05:00:00"), last_event=at("2020-03-02T08:00:00"),
            spans=((at("2019-08-01T05:00:00"), at("2019-11-02T00:00:00")),
                   (at("2019-11-05T00:00:00"), at("2020-01-10T00:00:00")),
                   (at("2020-01-12T00:00:00"), at("2020-03-02T08:00:00"))),
            gaps=((at("2019-11-02T00:00:00"), at("2019-11-05T00:00:00")),
                  (at("2020-01-10T00:00:00"), at("2020-01-12T00:00:00"))),
            notes=("no time zone in the lines: read as UTC",),
        ),
        SourceRow(MAIL, "postfix", "mail", 2_020_000, 20_118, 40, parsed=40, filtered=20_078,
                  first_event=at("2020-02-01T00:00:00"), last_event=at("2020-02-28T00:00:00"),
                  spans=((at("2020-02-01T00:00:00"), at("2020-02-28T00:00:00")),)),
        SourceRow("/var/log/vpn/secret.log", unread="permission denied"),
    )


def findings():
    return (
        finding(HOST, "resolved", [("resolved", "2019-09-03", 3), ("resolved", "2019-10-02", 1)],
                denied=4, days=0, sources=(DNS,)),
        finding(JANE, "uploaded", [("solicited", "2019-09-30", 1), ("visited", "2019-10-07", 12),
                                   ("signed_up", "2019-10-07", 1), ("signed_in", "2019-10-09", 7),
                                   ("used", "2019-11-19", 42), ("used", "2020-01-08", 31),
                                   ("uploaded", "2020-02-20", 9)],
                confidence="probable", bytes_sent=18_221_044, verdict="unapproved", denied=2,
                sources=(PROXY, OLD_PROXY)),
        finding(SAM, "visited", [("visited", "2020-02-27", 2)], bytes_sent=1_911),
        finding(BOX, "invited", [("invited", "2020-02-11", 1)], service="pimeyes", service_name="PimEyes",
                category="facial-recognition/public-search", data_location="", sources=(MAIL,), first_seen=None,
                evidence=(evidence(MAIL, 77, "invited", None),)),
    )


def report(**changes):
    plain = Report("0.1.0", "9f2c" * 16, 112, at("2019-07-01"), at("2020-03-03"), sources(), findings(), names=True,
                   canaries=(("postfix", True), ("squid", True), ("unbound", False)))
    return replace(plain, **changes)


def render(name, value=None, *, colour=False, width=80):
    return WRITERS[name].render(value or report(), colour=colour, width=width)
