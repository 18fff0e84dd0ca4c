r"""Windows security log: who logged on from which address, exported as JSON, XML, CSV or in lines of Snare or OSSEC.

One record a line. JSON of winlogbeat, NXLog, Wazuh, evtx converters, Microsoft Sentinel and ``ConvertTo-Json``, XML of
``wevtutil``, CSV with a header of ``Get-WinEvent | Select-Object … | Export-Csv``, of Sentinel and of EvtxECmd; names
in any case. ``MSWinEventLog`` and tabs of Snare, ``WinEvtLog: Security: AUDIT_SUCCESS(4624): …`` of OSSEC and
``AgentDevice=WindowsLog`` and tabs of WinCollect: fields in the message. ``[NXLOG@14506 EventID="4624" …]`` of NXLog,
``CEF:0|Microsoft|Microsoft Windows|…|Microsoft-Windows-Security-Auditing:4624|…`` of ArcSight.

- 4624 logged on, 4625 failed to (denied); 4634 and 4647 logged off (the end)
- 4768, 4769 and 4770 a Kerberos ticket was asked for, 4776 NTLM: allowed where ``Status`` is ``0x0``; 4771 denied
- ``TargetUserName`` the account, without the directory: 4624 writes ``EXAMPLE``, 4768 ``EXAMPLE.ORG`` and 4769
  ``u1042@EXAMPLE.ORG`` for one person. ``TargetDomainName`` only tells the system's own accounts
- ``IpAddress`` where from: ``::ffff:10.0.0.7`` is 10.0.0.7; ``-``, ``LOCAL`` and the loopback say nothing
- ``WorkstationName`` the computer there; for a logon at the console (types 2, 7, 11, 12, 13) the one that wrote the log
- ``TimeCreated``, ``@timestamp``, ``TimeGenerated`` UTC, ``EventTime`` and CSV of PowerShell local. Where a shipper put
  UTC beside a bare ``EventTime`` (Logstash's ``@timestamp``) and both differ by whole half hours, that is its zone

Passed: computers' accounts (``WS-0317$``), services (``LogonType`` 5, and 0 for the system), ``SYSTEM``, ``DWM-1``,
``ANONYMOUS LOGON``, ``UMFD-0``, and all other events.

``"TimeCreated","Id","TargetUserName","TargetDomainName","IpAddress","LogonType","WorkstationName","MachineName"``
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, Layout, LogFormat, Zone
from detector.events.instants import to_datetime
from detector.grammars import csvexport, delimited, leases, moments, values, winevent

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_OUTCOMES = {
    "4624": Action.ALLOWED, "4625": Action.DENIED, "4771": Action.DENIED, "4634": None, "4647": None,
    "4768": None, "4769": None, "4770": None, "4776": None,
}  # fmt: skip
_LOGOFFS = frozenset({"4634", "4647"})
_BY_STATUS = frozenset({"4768", "4769", "4770", "4776"})
_WITH_REALM = frozenset({"4769", "4770"})
_AT_CONSOLE = frozenset({"2", "7", "11", "12", "13"})
_SYSTEM_TYPES = frozenset({"0", "5"})
_SYSTEM = frozenset({"system", "local service", "network service", "anonymous logon", "iusr", "localsystem"})
_SYSTEM_DOMAINS = frozenset({"nt authority", "window manager", "font driver host", "nt service", "nt virtual machine"})
_WINDOWS = re.compile(r"(?:DWM|UMFD)-\d{1,4}", re.IGNORECASE)
_TIMES = (
    "eventtime", "timecreated", "systemtime", "timecreatedsystemtime", "timegenerated", "timegeneratedutc", "timestamp",
    "dateandtime", "datetime", "date", "time",
)  # fmt: skip
_USERS = ("targetusername", "targetuser", "targetaccount", "accountname", "username", "user", "account")
_DOMAINS = ("targetdomainname", "targetdomain", "accountdomain", "domain")
_ADDRESSES = (
    "ipaddress",
    "sourcenetworkaddress",
    "clientaddress",
    "sourceipaddress",
    "sourceip",
    "sourceaddress",
    "clientip",
)
_WORKSTATIONS = ("workstationname", "workstation", "sourceworkstation", "sourcehost")
_COMPUTERS = ("computer", "computername", "machinename", "hostname", "dvchostname")
_IDS = frozenset({"eventid", "id", "eventcode"})
_KNOWN = frozenset({*_IDS, *_TIMES, *_USERS, *_ADDRESSES, "logontype", "message", "eventdata", "payload"})
_LONGEST_NAME = 256
_NOWHERE = frozenset({"127.0.0.1", "::1", "0.0.0.0", "::"})  # noqa: S104
_BARE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?")
_HALF_HOUR, _LARGEST_SHIFT = 1800 * MICROSECONDS, 15 * 3600 * MICROSECONDS
_EARLY, _LATE = MICROSECONDS, 5 * MICROSECONDS
"""How much earlier and later than an event its shipper's time may be to tell the zone."""
_NO_STATUS = frozenset({"0x0", "0", "0x00000000", ""})
_PREAMBLE = (
    '"TimeCreated","Id","TargetUserName","TargetDomainName","IpAddress","LogonType","WorkstationName","MachineName"'
)
_AT, _USER, _IP, _HOST, _END, _ACTION = Col.AT, Col.USER, Col.SOURCE_IP, Col.HOST_NAME, Col.END, Col.ACTION
_COLUMNS = frozenset({_AT, _USER, _IP, _HOST, _END, _ACTION})


def parse(line: str, dialect: Dialect) -> Row | None:
    """One logon, logoff or ticket of a person to one event."""
    if not line or line.isspace():
        return None
    fields = _fields(line, dialect)
    code = winevent.event_id(fields)
    if code not in _OUTCOMES:
        if not code:
            raise RefusedLine("a record without the number of its event")
        return None
    logon = fields.get("logontype", "").strip().partition(" ")[0]
    account = _account(fields, realm=code in _WITH_REALM)
    if account is None or logon in _SYSTEM_TYPES:
        return None
    at = _instant(fields, dialect)
    row: Row = {_USER: account}
    if at is not None:
        row[_AT] = at
        if code in _LOGOFFS:
            row[_END] = at
    if ip := _address(_first(fields, _ADDRESSES)):
        row[_IP] = ip
    if host := _host(fields, at_console=logon in _AT_CONSOLE):
        row[_HOST] = host
    if action := _outcome(code, fields):
        row[_ACTION] = action
    return row


def timestamp(line: str, dialect: Dialect) -> int | None:
    """When the event was written."""
    return None if not line or line.isspace() else _instant(_fields(line, dialect), dialect)


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The columns of a CSV header."""
    if line.lstrip()[:1] in ("{", "<", "[", ""):
        return None
    found = csvexport.columns(line, _KNOWN, 3)
    if found is None:
        return None
    names = set(found[0])
    if not _IDS & names or not names & {*_USERS, "message", "eventdata", "payload"} or not names.intersection(_TIMES):
        return None
    return replace(dialect, columns=found[0], separator=found[1])


def example(row: Row) -> str:
    """The CSV line of a logon; of one that failed where the event is denied."""
    at = row.get(Col.AT, 0)
    cells = [
        f"{to_datetime(at if isinstance(at, int) else 0):%Y-%m-%d %H:%M:%S}",
        "4634" if Col.END in row else "4625" if row.get(Col.ACTION) == Action.DENIED else "4624",
        str(row.get(Col.USER, "-")),
        "EXAMPLE",
        str(row.get(Col.SOURCE_IP, "-")),
        "3",
        str(row.get(Col.HOST_NAME, "-")),
        "dc1.example.org",
    ]
    return delimited.join(cells)


def _fields(line: str, dialect: Dialect) -> winevent.Fields:
    start = line.lstrip()[:6]
    if start[:1] == "{":
        return winevent.of_json(line)
    if start == "<Event":
        return winevent.of_xml(line)
    if winevent.is_text(line):
        return winevent.of_text(line)
    if not dialect.columns:
        raise RefusedLine("neither JSON nor XML, and no header line names the columns")
    cells = delimited.cells(line, dialect.separator or ",")
    if len(cells) < len(dialect.columns) // 2 + 1:
        raise RefusedLine("fewer fields than the header has names")
    return winevent.of_cells(dialect.columns, cells)


def _account(fields: winevent.Fields, *, realm: bool) -> str | None:
    """The person's account, ``None`` for computers and the system itself."""
    written = fields.get("targetusername", "").strip()
    if written in ("", "-"):  # other fields hold the directory, too
        written = _first(fields, _USERS).rpartition("\\")[2].strip()
    name = written.partition("@")[0] if realm else written
    if len(written) > _LONGEST_NAME:
        return values.user(name)
    return None if _is_system(written, _first(fields, _DOMAINS)[:_LONGEST_NAME]) else values.user(name)


@lru_cache(maxsize=8192)
def _is_system(written: str, domain: str) -> bool:
    bare = values.lower(written.partition("@")[0])
    if bare.endswith("$") or bare in _SYSTEM or _WINDOWS.fullmatch(bare):
        return True
    return values.lower(domain) in _SYSTEM_DOMAINS


def _address(text: str) -> str | None:
    """Where from; IPv4 addresses also where they are written as IPv6."""
    ip = values.address(text.strip())
    if ip is None:
        return None
    if ip.startswith("::ffff:") and "." in ip:
        ip = ip[7:]
    return None if ip in _NOWHERE or ip.startswith("127.") else ip


def _host(fields: winevent.Fields, *, at_console: bool) -> str | None:
    name = leases.host_name(_first(fields, _WORKSTATIONS).strip().lstrip("\\"))
    if name is None and at_console:
        name = leases.host_name(_first(fields, _COMPUTERS))
    return name


def _outcome(code: str, fields: winevent.Fields) -> Action | None:
    if code not in _BY_STATUS:
        return _OUTCOMES[code]
    return Action.ALLOWED if values.lower(fields.get("status", "").strip()) in _NO_STATUS else Action.DENIED


def _instant(fields: winevent.Fields, dialect: Dialect) -> int | None:
    for name in _TIMES:
        if (text := fields.get(name)) and (at := _moment(text[:_LONGEST_NAME], dialect.zone, dialect.date_order)):
            bare = name == "eventtime" and "timestamp" in fields and _BARE.fullmatch(text)
            return at + _zone_shift(at, fields["timestamp"]) if bare else at
    return None


@lru_cache(maxsize=8192)
def _zone_shift(at: int, shipped: str) -> int:
    """What a bare local time lacks to be UTC, by the instant at which it was shipped some seconds later; else 0."""
    exact = moments.instant(shipped[:_LONGEST_NAME], UTC) if shipped[-1:] == "Z" else None
    if exact is None or abs(exact - at) > _LARGEST_SHIFT:
        return 0
    shift, late = divmod(exact - at + _EARLY, _HALF_HOUR)
    return shift * _HALF_HOUR if late <= _LATE + _EARLY else 0


@lru_cache(maxsize=8192)
def _moment(text: str, zone: tzinfo, order: str) -> int | None:
    at = moments.instant(text, zone)
    if at is not None:
        return at
    try:
        return csvexport.instant(text, zone, order)
    except (ValueError, OverflowError):  # a broken time does not unsay the logon
        return None


def _first(fields: winevent.Fields, names: tuple[str, ...]) -> str:
    for name in names:
        if (text := fields.get(name)) and text != "-":
            return text
    return ""


FORMAT = LogFormat(
    name="windows_security",
    kind=Kind.LOGIN,
    title="Windows security log (JSON, XML, CSV, Snare, OSSEC)",
    reference="unverified: https://learn.microsoft.com/en-us/windows/security/threat-protection/auditing/event-4624",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=_COLUMNS,
    zone=Zone.LOCAL,
    preamble=_PREAMBLE,
    head=head,
    head_literals=(
        b"TimeCreated",
        b"TimeGenerated",
        b"TargetUserName",
        b"LogonType",
        b"EventID",
        b"Event ID",
        b"EventTime",
    ),
    layout=Layout.JSON,
)
