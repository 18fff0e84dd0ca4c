"""Writes shadowit.json, the dashboard, from the short description below: python deploy/grafana/generate.py.

The JSON is committed; a test runs this again and compares, and checks that every metric that a panel asks for exists.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
HEIGHTS = {"stat": 4, "timeseries": 8, "table": 8}


class Panel(NamedTuple):
    """What one panel shows; ``CHOSEN`` in a query stands for the services that the reader has chosen."""

    kind: str
    width: int
    title: str
    unit: str
    query: str


USE = (
    Panel("stat", 4, "Services with findings", "short", "count(sum by (service) (shadowit_findings{CHOSEN}) > 0) or vector(0)"),
    Panel("stat", 4, "Actors outside of approvals", "short",
          'sum(shadowit_service_actors{verdict=~"unapproved|needs-reference",CHOSEN}) or vector(0)'),
    Panel("stat", 4, "Actors after an order", "short",
          'sum(shadowit_service_actors{verdict="after-order",CHOSEN}) or vector(0)'),
    Panel("stat", 4, "Oldest read pass", "s", "time() - min(shadowit_source_last_success_timestamp_seconds)"),
    Panel("stat", 4, "Oldest canary", "s", "time() - min(shadowit_canary_last_success_timestamp_seconds)"),
    Panel("stat", 4, "Alerts that wait", "short", "sum(shadowit_outbox_pending) or vector(0)"),
    Panel("timeseries", 12, "Actors by verdict", "short", "sum by (verdict) (shadowit_service_actors{CHOSEN})"),
    Panel("timeseries", 12, "Sightings by stage, each hour", "short",
          "sum by (stage) (increase(shadowit_sightings_total{CHOSEN}[1h]))"),
    Panel("table", 8, "First seen", "dateTimeAsIso", "shadowit_service_first_seen_timestamp_seconds{CHOSEN} * 1000 > 0"),
    Panel("table", 8, "Last seen", "dateTimeAsIso", "shadowit_service_last_seen_timestamp_seconds{CHOSEN} * 1000 > 0"),
    Panel("table", 8, "Orders to cease use", "dateTimeAsIso", "shadowit_service_order_timestamp_seconds{CHOSEN} * 1000 > 0"),
)  # fmt: skip

READ = (
    Panel("timeseries", 12, "Age of the newest record", "s", "time() - shadowit_source_newest_record_timestamp_seconds"),
    Panel("timeseries", 12, "Waits to be read", "bytes", "shadowit_source_lag_bytes"),
    Panel("timeseries", 12, "Lines that are not what their format says", "percentunit",
          'sum by (source) (rate(shadowit_source_records_total{result="unparsed"}[1h])) / (sum by (source) '
          '(rate(shadowit_source_records_total{result=~"parsed|unparsed"}[1h])) > 0)'),
    Panel("timeseries", 12, "Not covered", "s", "shadowit_source_gap_seconds"),
    Panel("timeseries", 12, "Read", "Bps", "sum by (source) (rate(shadowit_source_read_bytes_total[5m]))"),
    Panel("timeseries", 12, "Age of the canary", "s", "time() - shadowit_canary_last_success_timestamp_seconds"),
)  # fmt: skip

DAEMON = (
    Panel("timeseries", 8, "Duration of a pass", "s", "shadowit_scan_last_duration_seconds"),
    Panel("timeseries", 8, "Alerts by outcome, each hour", "short",
          "sum by (sink, result) (increase(shadowit_notifications_total[1h]))"),
    Panel("timeseries", 8, "Failures and skipped jobs, each hour", "short",
          "sum(increase(shadowit_scan_failures_total[1h])) + sum(increase(shadowit_job_skipped_total[1h]))"),
    Panel("table", 12, "Approvals that end", "dateTimeAsIso",
          "shadowit_approval_expiry_timestamp_seconds{CHOSEN} * 1000 > 0"),
    Panel("table", 6, "Program", "short", "shadowit_build_info"),
    Panel("table", 6, "Signatures", "short", "sum by (category) (shadowit_signatures)"),
)  # fmt: skip

ROWS = {"Who uses what": USE, "What was read, and what was not": READ, "The daemon itself": DAEMON}


def drawn(panel: Panel, identity: int, left: int, top: int) -> dict[str, object]:
    """One panel; tables show the newest value of each series."""
    query = panel.query.replace("CHOSEN", 'service=~"$service"')
    target: dict[str, object] = {"refId": "A", "datasource": SOURCE, "expr": query}
    if panel.kind == "table":
        target |= {"format": "table", "instant": True}
    return {
        "id": identity,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"h": HEIGHTS[panel.kind], "w": panel.width, "x": left, "y": top},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [target],
    }


def panels() -> list[dict[str, object]]:
    """All rows, laid out from left to right."""
    result: list[dict[str, object]] = []
    top = 0
    for title, row in ROWS.items():
        place = {"h": 1, "w": WIDTH, "x": 0, "y": top}
        result.append({"id": len(result) + 1, "type": "row", "title": title, "panels": [], "gridPos": place})
        top, left, height = top + 1, 0, 0
        for panel in row:
            if left + panel.width > WIDTH:
                top, left, height = top + height, 0, 0
            result.append(drawn(panel, len(result) + 1, left, top))
            left, height = left + panel.width, max(height, HEIGHTS[panel.kind])
        top += height
    return result


def dashboard() -> dict[str, object]:
    """The whole dashboard."""
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}
    service = {
        "name": "service",
        "type": "query",
        "label": "Service",
        "datasource": SOURCE,
        "query": {"query": "label_values(shadowit_findings, service)", "refId": "A"},
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
        "sort": 1,
    }
    orders = {
        "name": "Orders",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "red",
        "useValueForTime": True,
        "expr": "shadowit_service_order_timestamp_seconds * 1000 > 0",
        "titleFormat": "Order: {{service}}",
    }
    return {
        "uid": "shadowit",
        "title": "shadowit",
        "tags": ["shadowit"],
        "timezone": "utc",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-30d", "to": "now"},
        "templating": {"list": [source, service]},
        "annotations": {"list": [orders]},
        "panels": panels(),
    }


if __name__ == "__main__":
    Path(__file__).with_name("shadowit.json").write_text(json.dumps(dashboard(), indent=1) + "\n", encoding="utf-8")
