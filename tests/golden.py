"""Golden cases of log formats: ``sample_logs/<format>/<case>.<ending>`` beside ``<case>.expected.jsonl``.

A case may have ``<case>.dialect.yml`` with what a site would configure: ``timezone``, ``date_order``, ``written_until``
(ISO time), ``envelope`` (``syslog`` or ``syslog-tag``), ``options`` (a mapping). Without it the zone is UTC and the
log was written until 2020-03-31.
"""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import yaml

from detector.events import Col, Dialect, Envelope, Layout, Line, from_iso, read_lines
from detector.events.batch import batch_of
from detector.sources import laid_out

SAMPLES = Path(__file__).parent.parent / "sample_logs"
ENDINGS = {".log", ".csv", ".ndjson", ".json", ".LOG", ".mbox", ".eml"}


@dataclass(frozen=True)
class Case:
    format_name: str
    path: Path

    @property
    def expected_path(self):
        return self.path.with_name(self.path.stem + ".expected.jsonl")

    @property
    def dialect(self):
        path = self.path.with_name(self.path.stem + ".dialect.yml")
        said = yaml.safe_load(path.read_text()) if path.exists() else {}
        return Dialect(
            zone=ZoneInfo(said.get("timezone", "UTC")),
            date_order=said.get("date_order", ""),
            written_until=from_iso(str(said.get("written_until", "2020-03-31T00:00:00Z"))),
            envelope=Envelope(said.get("envelope", "")),
            options=said.get("options", {}),
        )

    def lines(self, log_format):
        """Its lines; mails, and JSON documents (``.json``), laid out as they are when a log is read."""
        is_document = log_format.layout is Layout.MAILS or self.path.suffix == ".json"
        return lines_of(self.path.read_bytes(), log_format.layout if is_document else Layout.LINES)


def cases(format_name):
    folder = SAMPLES / format_name
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [Case(format_name, path) for path in found if path.suffix in ENDINGS]


def lines_of(data, layout=Layout.LINES):
    """Lines end at the byte ``\\n`` only; the byte order mark is not part of the first. Records are laid out before."""
    data = laid_out(data, layout) if layout is not Layout.LINES else data
    offset = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    lines = []
    for raw in data[offset:].split(b"\n"):
        lines.append(Line(offset, raw))
        offset += len(raw) + 1
    return lines[:-1] if data.endswith(b"\n") or not data else lines


def read_case(log_format, case):
    """What ``parse`` would print for a case, and a row for each refused line, in the order of the file."""
    lines = case.lines(log_format)
    dialect = case.dialect
    if lines and (first := log_format.head(lines[0].raw.decode("utf-8", "backslashreplace"), dialect)):
        dialect = first
    reading = read_lines(log_format, dialect, lines)
    numbers = {line.offset: number for number, line in enumerate(lines, start=1)}
    batch = joined(log_format, reading.batch) if log_format.join else reading.batch
    rows = []
    for offset, event in zip(batch.offsets, batch.objects(), strict=True):
        event.pop(Col.TRANSACTION.value, None)
        rows.append((numbers[offset], {**event, "log.line": numbers[offset]}))
    rows += [(numbers[r.offset], {"log.line": numbers[r.offset], "unparsed": r.reason}) for r in reading.refusals]
    return [row for _, row in sorted(rows, key=lambda row: row[0])]


def joined(log_format, batch):
    """Fragments of each transaction to events; a slow path, for tests only."""
    groups = {}
    for index in range(len(batch)):
        row = {name: cells[index] for name, cells in batch.columns.items() if cells[index] is not None}
        groups.setdefault(row[Col.TRANSACTION], []).append((index, row))
    events = []
    for members in groups.values():
        for position, row in log_format.join([row for _, row in members]):
            events.append((members[position][0], row))
    events.sort(key=lambda event: event[0])
    return batch_of(
        [row for _, row in events],
        dataset=batch.dataset,
        kind=batch.kind,
        offsets=[batch.offsets[index] for index, _ in events],
        lines=[batch.lines[index] for index, _ in events],
    )


def dump(rows):
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def load(path):
    return [orjson.loads(line) for line in path.read_bytes().split(b"\n") if line]
