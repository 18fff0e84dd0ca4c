"""What the tests of the machine share: a small catalogue with every kind of indicator, short ways to run an audit."""

from unittest.mock import patch

from hypothesis import settings

from detector.audit import Site, Terms, audit, plan
from detector.audit.plan import Named
from detector.events import Stage, from_iso
from detector.formats import Formats
from detector.scan import Settings
from detector.signatures import (
    Attribution,
    Indicator,
    IndicatorKind,
    MailKind,
    MailRules,
    Ruleset,
    Signature,
    Thresholds,
)
from detector.signatures.model import EmbeddedTests
from detector.sources import open_stream

SUFFIX, HOST, PATTERN, URL = IndicatorKind.SUFFIX, IndicatorKind.HOST, IndicatorKind.HOST_PATTERN, IndicatorKind.URL


def examples(most):
    """How many examples of a property are tried: under coverage (see ``conftest``) a fifth."""
    return most if settings.get_current_profile_name() != "traced" else most // 5


def indicator(service, kind, host, **more):
    said = {
        "path": "", "query": "", "methods": (), "min_request_bytes": 0, "stage": Stage.VISITED, "confidence": "high",
        "valid_from": None, "valid_until": None,
    } | more  # fmt: skip
    name = f"{service}:{kind.value}:{'|'.join(said['methods'])}{host}{said['path']}{said['query']}"
    return Indicator(id=name, service=service, kind=kind, host=host, **said)


def signature(name, *indicators, opaque=(), domains=(), names=(), subjects=()):
    return Signature(
        id=name, name=name.title(), vendor="", category="test", status="active", attribution=Attribution.DEDICATED,
        description="", risk_default="review", risk_factors=(), vendor_country="", data_location="",
        indicators=tuple(indicators),
        thresholds=Thresholds(5, 10, 30_000, frozenset(opaque)),
        mail=MailRules(tuple(domains), tuple(names), tuple(subjects)),
        tests=EmbeddedTests(positive=(), negative=(), mail=()),
    )  # fmt: skip


def small_ruleset():
    """Every kind of indicator once, with the traps that go with it."""
    one = "clearview"
    signatures = (
        signature(
            one,
            indicator(one, SUFFIX, "clearview.ai"),
            indicator(one, HOST, "app.clearview.ai"),
            indicator(one, URL, "app.clearview.ai", path="/app/signup", stage=Stage.SIGNED_UP),
            indicator(one, URL, "app.clearview.ai", path="/app", stage=Stage.USED, confidence="low"),
            indicator(one, URL, "app.clearview.ai", path="/uploads", methods=("POST",), stage=Stage.UPLOADED),
            opaque=("app.clearview.ai",),
            domains=("clearview.ai",),
            names=("Clearview AI",),
            subjects=((Stage.INVITED, "^you were invited"),),
        ),
        signature("cloud", indicator("cloud", PATTERN, "rekognition.*.amazonaws.com")),
        signature(
            "dated",
            indicator(
                "dated", SUFFIX, "dated.example", valid_from=from_iso("2020-02-01"), valid_until=from_iso("2020-03-01")
            ),
        ),
        signature("idn", indicator("idn", SUFFIX, "xn--bcher-kva.example")),
        signature(
            "shared",
            indicator("shared", URL, "shared.example", path="/face/", query="id", stage=Stage.USED),
            indicator("shared", URL, "*.shared.example", path="/put", min_request_bytes=1000, stage=Stage.UPLOADED),
        ),
        signature("sub", indicator("sub", SUFFIX, "deep.clearview.ai"), domains=("sub-mail.example",), names=("Sub",)),
    )
    return Ruleset(
        digest="0" * 64,
        signatures=signatures,
        shared_hosts=frozenset({"amazonaws.com", "shared.example"}),
        session_proxies=frozenset({"mcas.ms"}),
        translators=frozenset({"translate.goog"}),
        mail_kinds=(
            MailKind("verify", Stage.SIGNED_UP, ("^verify your e-?mail",)),
            MailKind("receipt", Stage.PAID, ("receipt",)),
        ),
        mail_platforms=frozenset({"sendgrid.net", "intercom.io"}),
    )


def planned(paths, log_format="", **site):
    """The plan of some logs; of a format by name, else told by content."""
    formats = Formats()
    said = Site(log_format=formats[log_format] if log_format else None, **site)
    return plan([Named([str(path) for path in paths], said)], formats)


def audited(paths, ruleset, log_format="", *, engine="serial", jobs=1, **settings):
    """The report of some logs."""
    order = Terms(version="0", settings=Settings(**settings), jobs=jobs, engine=engine)
    return audit(planned(paths, log_format), ruleset, order)


def sightings(report):
    """(service, actor, offset, indicator, stage, at, denied) of every line of evidence, whatever the file is called."""
    return sorted(
        (finding.service, finding.actor.id, row.offset, row.indicator, row.stage, row.at or -1, row.denied, row.sha256)
        for finding in report.findings
        for row in finding.evidence
    )


def facts(report):
    """Everything that a report says of people and services; nothing that says where it was read."""
    return [
        (one.service, one.actor, one.stage, one.confidence, one.first_seen, one.last_seen, one.days, one.sightings,
         one.bytes_sent, one.denied, one.stages, one.per_day)
        for one in report.findings
    ]  # fmt: skip


def coverage(source):
    """What a report says of the reading of one log; nothing that says where it lay."""
    return {name: value for name, value in source._asdict().items() if name not in ("path", "notes", "copy_of")}


def content_of(one):
    """The decompressed bytes of a planned log."""
    with open_stream(one.segment) as reader:
        data = b""
        while block := reader.read(1 << 20):
            data += block
        return data


def small_sizes(line=4096, cell=4096, head=0):
    """Limits so small that a log of some kilobytes meets all of them."""
    return patch.multiple(
        "detector.sources.chunks",
        LINE_LIMIT_BYTES=line, KEPT_HEAD_BYTES=line // 4, KEPT_TAIL_BYTES=line // 16, _BEYOND_BYTES=512,
    ), patch.multiple("detector.scan.scanning", CELL_BYTES=cell, HEAD_BYTES=head), patch(
        "detector.scan.sample.HEAD_BYTES", head
    )  # fmt: skip
