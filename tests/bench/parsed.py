"""What is read from logs of any folder: per format its lines, events, and which columns they fill.

    python tests/bench/parsed.py PATH… [--by-folder] [--refused 3]

Formats are told by content; ``--by-folder`` takes the name of the folder instead where it is a format's (how sample logs
lie), and says which logs content alone would have told otherwise. ``parsed`` is the share of event lines that parse:
events among events and refused lines. A line that is no event (a comment, a header, an answer) counts in neither.
"""

import argparse
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from detector.audit import Site, plan
from detector.audit.events import Parsed, events_of
from detector.audit.plan import Named
from detector.events import Col
from detector.formats import Formats

NOT_LOGS = ("SOURCE.txt", "README.md", ".expected.jsonl", ".dialect.yml", "expected.json")
SHORT = {
    Col.AT: "time", Col.SOURCE_IP: "ip", Col.USER: "user", Col.DOMAIN: "host", Col.QUESTION: "host", Col.SERVER_NAME: "sni",
    Col.URL: "url", Col.METHOD: "method", Col.STATUS: "status", Col.ACTION: "action", Col.BYTES_SENT: "sent",
    Col.BYTES_RECEIVED: "recv", Col.USER_AGENT: "agent", Col.SENDER: "sender", Col.FROM: "from", Col.TO: "to",
    Col.SUBJECT: "subject", Col.MESSAGE_ID: "msgid", Col.DIRECTION: "dir", Col.AUTHENTICATION: "auth",
    Col.SOURCE_MAC: "mac", Col.HOST_NAME: "name",
}  # fmt: skip


@dataclass
class Row:
    """One format."""

    files: int = 0
    lines: int = 0
    events: int = 0
    refused: int = 0
    filled: Counter = field(default_factory=Counter)
    reasons: Counter = field(default_factory=Counter)

    def add(self, parsed, events):
        self.files += 1
        self.lines += parsed.lines
        self.events += len(events)
        self.refused += parsed.refusals.total()
        self.reasons += parsed.refusals
        for event in events:
            self.filled.update({SHORT[Col(name)] for name in event if Col(name) in SHORT} if event else ())

    @property
    def parsed(self):
        return f"{self.events / (self.events + self.refused):.1%}" if self.events + self.refused else "-"

    @property
    def columns(self):
        order = list(dict.fromkeys(SHORT.values()))
        shares = ((name, self.filled[name] / self.events) for name in order if self.filled[name])
        return " ".join(name if share > 0.995 else f"{name}:{share:.0%}" for name, share in shares)


def logs(paths):
    for path in paths:
        found = sorted(one for one in Path(path).rglob("*") if one.is_file()) if Path(path).is_dir() else [Path(path)]
        yield from (one for one in found if not one.name.endswith(NOT_LOGS))


def told(path, formats, log_format=None):
    """The plan of a log; of an archive each of its members."""
    return plan([Named([os.fspath(path)], Site(log_format=log_format))], formats)


def events(one):
    parsed = Parsed(refusals=Counter())
    columns = {name.value for name in Col}
    found = [{name for name in event if name in columns} for event in events_of(one, parsed)]
    return parsed, found


def name_of(one):
    return one.log_format.name if one.log_format is not None and not one.unread else "(unknown)"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--by-folder", action="store_true", help="take the folder's name for the format's")
    parser.add_argument("--refused", type=int, default=0, help="so many reasons for refusals of each format")
    options = parser.parse_args()
    formats, rows, otherwise = Formats(), {}, []
    for path in logs(options.paths):
        inputs = told(path, formats)
        named = path.parent.name if options.by_folder and path.parent.name in formats else ""
        for one in inputs:
            if named and name_of(one) != named:
                sure = " or ".join((f"{name_of(one)} ({one.confidence:.2f})", *one.rivals))
                otherwise.append(f"{path.parent.name}/{path.name}: {sure}")
        for one in told(path, formats, formats[named]) if named else inputs:
            rows.setdefault(name_of(one), Row()).add(*events(one))
    show(rows, options.refused)
    if otherwise:
        print(f"\ntold otherwise by content ({len(otherwise)}):", *otherwise, sep="\n  ")


def show(rows, reasons):
    total = Row()
    print(f"{'format':26}{'files':>6}{'lines':>8}{'events':>8}{'refused':>8}{'parsed':>8}  fields")
    for name, row in sorted(rows.items()):
        print(f"{name:26}{row.files:6}{row.lines:8}{row.events:8}{row.refused:8}{row.parsed:>8}  {row.columns}")
        for reason, count in row.reasons.most_common(reasons):
            print(f"{'':10}{count:8}  {reason!r}")
        total = Row(*(getattr(total, one) + getattr(row, one) for one in ("files", "lines", "events", "refused")))
    print(f"{'all':26}{total.files:6}{total.lines:8}{total.events:8}{total.refused:8}{total.parsed:>8}")


if __name__ == "__main__":
    main()
