r"""Logs of FortiOS: key=value, the same with commas, CEF whose own names start with ``FTNTFGT``.

Reference: https://docs.fortinet.com/document/fortigate/7.4.0/fortios-log-message-reference (unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind
from detector.grammars import cef, delimited, kv, mail, moments, records, rendering, verdicts

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_TRAFFIC = frozenset(
    {"traffic", "utm", "webfilter", "app-ctrl", "dns", "dlp", "virus", "http-transaction", "ssl", "emailfilter"}
)
_PREFIXES = ("FTNTFGT", "FTNTFPX", "FTNTFCT")
_NO_ACTION = frozenset({"", "-"})
_WORDS = verdicts.verdict(
    "action act status",
    challenge="authenticate",
    denied="block den drop reset redirect dlp quarantine violation",
    allowed="pass allow accept close timeout client-rst server-rst start ip-conn exempt monitor permit detect log",
)


_BLOCKED = verdicts.told("utmaction", lambda word: Action.DENIED if word.startswith("block") else None)
"""What a profile blocked was blocked, whatever the policy's rule said of the connection."""


def _civil(cells: Cells, dialect: Dialect) -> int | None:
    """Date and time are local."""
    day, clock, offset = cells.get("date"), cells.get("time"), cells.get("tz")
    if isinstance(day, str) and isinstance(clock, str):
        zone = offset if isinstance(offset, str) and len(offset) == 5 and offset[0] in "+-" else ""
        return moments.instant(f"{day} {clock}{zone}", dialect.zone)
    return None


NAMES = {
    Col.SOURCE_IP: "srcip src clientip",
    Col.SOURCE_MAC: "srcmac src_mac",
    Col.HOST_NAME: "srcname shost",
    Col.USER: "user unauthuser duser suser srcuser",
    Col.METHOD: "httpmethod reqmethod requestMethod",
    Col.URL: "url request",
    Col.DOMAIN: "hostname dhost",
    Col.SERVER_NAME: "sni",
    Col.STATUS: "httpcode statuscode status",
    Col.BYTES_SENT: "sentbyte out reqlength sent",
    Col.BYTES_RECEIVED: "rcvdbyte in resplength rcvd",
    Col.USER_AGENT: "agent useragent requestClientApplication",
    Col.QUESTION: "qname",
    Col.QUESTION_TYPE: "qtype",
}
_WHEN = moments.first(moments.stamp("eventtime rt start"), _civil)
_VERDICT = verdicts.either(_BLOCKED, _WORDS)
TABLE = records.table(
    NAMES,
    when=_WHEN,
    verdict=_VERDICT,
    scheme="service",
    asked=records.Asked.ONLY,
)


_MAIL_NAMES = {
    Col.SOURCE_IP: "srcip src",
    Col.FROM: "from",
    Col.SENDER: "sender",
    Col.TO: "recipient to",
    Col.SUBJECT: "subject",
}
MAILS = records.table(
    _MAIL_NAMES,
    when=_WHEN,
    verdict=_VERDICT,
    readers={Col.TO: lambda text: mail.addresses(text) or None},
    kind=Kind.MAIL,
    needs=(Col.FROM, Col.SENDER, Col.TO),
)
COLUMNS = TABLE.columns | MAILS.columns


def table(cells: Cells) -> records.Table:
    """Of the email filter, of viruses and leaks in mails, or of all else; told by names alone."""
    return MAILS if "recipient" in cells or ("from" in cells and "to" in cells) else TABLE


def is_traffic(cells: Cells) -> bool:
    """Whether a record tells of a client's traffic, not of the system."""
    return str(cells.get("type") or "").partition(":")[0] in _TRAFFIC


def cells_of(line: str) -> Cells:
    """The cells of a line in any of the three shapes, under the names of key=value.

    Raises:
        RefusedLine: it is no log of FortiOS.
    """
    if (message := cef.find(line)) is not None:
        if not message.vendor.startswith("Fortinet"):
            raise RefusedLine("not a message of Fortinet")
        cells = {_short(name): cell for name, cell in message.fields.items()}
        cells.setdefault("type", cells.get("cat", message.name))
        cells.setdefault("service", cells.get("app", ""))
        return cells
    if line[:1] == "{":
        raise RefusedLine("an object: what a shipper made of a line")
    if line[:1] == "<":
        line = line.partition(">")[2]  # the priority of a syslog line that has nothing else of its header
    if line[:1] == '"':  # a download of FortiAnalyzer: pairs as cells of CSV
        pairs = [cell.partition("=") for cell in delimited.cells(line)]
        return {name: cell.strip('"') for name, sign, cell in pairs if sign}
    comma = line.find(",", 0, 200)
    return kv.quoted(line, "," if comma > 0 and "=" in line[:comma] and " " not in line[:comma].strip() else " ")


def example(row: Row, device: str) -> str:
    """A line of key=value: of the web filter, of the DNS filter where the event asks a name, or of the email filter."""
    action = rendering.choice(row, allowed="passthrough", denied="blocked", challenge="authenticate")
    skipped = (Col.SERVER_NAME, Col.HOST_NAME, Col.SOURCE_MAC, Col.TO)
    is_mail = row.get(Col.KIND) == Kind.MAIL
    held = _MAIL_NAMES if is_mail else NAMES
    names = {column: text.split()[0] for column, text in held.items() if column not in skipped}
    to = row.get(Col.TO)
    cells = {
        "date": rendering.written_at(row, "%Y-%m-%d"),
        "time": rendering.written_at(row, "%H:%M:%S"),
        "devname": "fw1",
        "devid": device,
        "eventtime": rendering.seconds(row).partition(".")[0],
        "tz": "+0000",
        "logid": "0317013312",
        "type": "utm",
        "subtype": "emailfilter" if is_mail else "webfilter",
        "vd": "root",
        **rendering.texts(row, names),
        "recipient": ", ".join(to) if isinstance(to, list) else "",
        "action": action,
    }
    return kv.join({name: cell for name, cell in cells.items() if cell not in _NO_ACTION})


def _short(name: str) -> str:
    return name[7:] if name.startswith(_PREFIXES) else name
