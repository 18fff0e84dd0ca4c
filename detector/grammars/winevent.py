r"""Records of the Windows event log, whoever wrote them: their fields under one spelling of their names.

Read are winlogbeat's JSON (``winlog.event_data``, before version 7 ``event_data``), NXLog's flat JSON, Wazuh's
(``data.win.eventdata``), evtx converters' and ``wevtutil``'s ``Event`` with ``System`` and ``EventData`` (JSON, XML);
names may have the path before them (``winlog.event_data.TargetUserName``). JSON as a text is ``Payload`` of EvtxECmd
(JSON, CSV) and ``EventData`` of Sentinel's ``WindowsEvent``. NXLog's structured data of syslog is ``[NXLOG@14506
EventID="4624" …]``. In the message only stand the fields of ``Get-WinEvent | ConvertTo-Json``, of Snare (tabs, also
written ``#011``), of OSSEC's agent and of WinCollect. ArcSight's CEF of ``Microsoft Windows`` has names of its own.
A name is spelled as ``csvexport.normal`` does.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, TypeAlias

from detector.errors import RefusedLine
from detector.grammars import cef, csvexport, jsonline
from detector.grammars.records import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Fields: TypeAlias = dict[str, str]
"""Texts by name: ``eventid``, ``timecreated``, ``targetusername``, …"""

_MARKS = ("targetusername", "channel", "providername", "sourcename", "logname", "eventlog", "source", "provider")
_ID_NAMES = ("eventid", "eventcode", "eventidentifier", "id")
_NESTED = ("winlog", "event", "data", "win", "system", "log", "eventdata", "userdata")
"""Objects whose members count, outer ones first: the members of later ones outrank those of earlier ones."""
_DEEPEST = 5
_XML_DATA = re.compile(r"<Data Name=['\"](\w{1,64})['\"]\s*(?:/>|>([^<]{0,4096})</Data>)")
_XML_SYSTEM = re.compile(r"<(EventID|Channel|Computer)(?: [^>]{0,200})?>([^<]{0,300})<")
_XML_ATTRIBUTES = re.compile(r"<(?:TimeCreated (SystemTime)|Provider (Name))=['\"]([^'\"]{0,200})['\"]")
_SECTION = re.compile(r"(?:^|[\r\n\t ])(New Logon|Account Information|Account For Which Logon Failed|Subject):\s")
_MESSAGE_FIELDS = (
    ("targetusername", "Account Name"), ("targetdomainname", "Account Domain"),
    ("targetdomainname", "Supplied Realm Name"),
)  # fmt: skip
_WHOLE_FIELDS = (
    ("logontype", "Logon Type"), ("ipaddress", "Source Network Address"), ("ipaddress", "Client Address"),
    ("workstationname", "Workstation Name"), ("workstationname", "Source Workstation"),
    ("targetusername", "Logon Account"),
    ("status", "Result Code"), ("status", "Failure Code"), ("status", "Error Code"),
)  # fmt: skip
_MESSAGE_LIMIT = 16_384
_LABEL_BEHIND = re.compile(
    r"[\r\n\t]|  | (?=(?:Account (?:Name|Domain)|Security ID|User ID|Service (?:Name|ID)|Supplied Realm Name|Log[io]n "
    r"(?:ID|GUID|Type|Process|Information|Account)|Linked Logon ID|Network (?:Information|Account Name)|New Logon|"
    r"Workstation Name|Source (?:Network Address|Workstation|Port)|Client (?:Address|Port)|Authentication Package|"
    r"Impersonation Level|Process (?:ID|Information)|Detailed Authentication Information|Additional Information|"
    r"(?:Result|Failure|Error) Code|Ticket (?:Options|Encryption Type)|Failure (?:Information|Reason)|Status|"
    r"Restricted Admin Mode|Virtual Account|Elevated Token|Certificate Information):)"
)
_PATHS = ("winlog.", "event_data.", "EventData.", "System.", "Event.", "data.win.", "win.")
_CEF = "|Microsoft|Microsoft Windows|"
_CEF_NAMES = {
    "externalId": "eventid", "rt": "timecreated", "duser": "targetusername", "dntdom": "targetdomainname",
    "src": "ipaddress", "shost": "workstationname", "dhost": "computer", "LogonType": "logontype",
    "Logon Type": "logontype",
}  # fmt: skip
SNARE = "MSWinEventLog"
NXLOG = "[NXLOG@"
WINCOLLECT = "AgentDevice=WindowsLog"
OSSEC = "WinEvtLog: "
_TEXT_HEAD = 400
"""The mark of a text line stands in so many characters: in front is at most a syslog header."""
_SNARE_NAMES = ("level", "channel", "counter", "timecreated", "eventid", "providername")
_SNARE_COMPUTER, _SNARE_DATA = 9, 11
_NXLOG = re.compile(r'\[NXLOG@\d{1,9} ((?:[\w.-]{1,64}="(?:[^"\\]|\\.)*+" ?)++)\](.*)', re.DOTALL)
_NXLOG_PAIR = re.compile(r'([\w.-]{1,64})="((?:[^"\\]|\\.)*+)"')
_OSSEC = re.compile(
    r"(?:(?P<year>\d{4}) (?P<day>[A-Z][a-z]{2} [ \d]\d) (?P<clock>[\d:]{8}) )?WinEvtLog: (?P<channel>[^:]{1,80}): "
    r"\w{1,30}\((?P<eventid>\d{1,10})\): (?P<providername>[^:]{1,120}): [^:]{0,256}: [^:]{0,256}: "
    r"(?P<computer>[^:\s]{1,255}): (?P<message>.*)",
    re.DOTALL,
)


def of_json(line: str) -> Fields:
    """The fields of a JSON record.

    Raises:
        RefusedLine: it is no record of the Windows event log.
    """
    fields: Fields = {}
    _collect(jsonline.record(line), fields, 0)
    is_ours = any(name in fields for name in _MARKS) or (
        "timecreated" in fields and _SECTION.search(fields.get("message", "")[:_MESSAGE_LIMIT]) is not None
    )
    if not is_ours or not event_id(fields):
        raise RefusedLine("not a record of the Windows event log")
    return _completed(fields)


def of_xml(line: str) -> Fields:
    """The fields of an ``<Event>`` on one line.

    Raises:
        RefusedLine: it is none.
    """
    fields = {name.lower(): text for name, text in _XML_SYSTEM.findall(line)}
    for time, _provider, text in _XML_ATTRIBUTES.findall(line):
        fields["systemtime" if time else "providername"] = text
    if "eventid" not in fields:
        raise RefusedLine("not an event in XML")
    for name, text in _XML_DATA.findall(line):
        fields[name.lower()] = html.unescape(text)
    return fields


def is_text(line: str) -> bool:
    """Whether a line is one of Snare's, of OSSEC's agent, of NXLog, of WinCollect or of ArcSight."""
    return any(line.find(mark, 0, _TEXT_HEAD) >= 0 for mark in (SNARE, OSSEC, NXLOG, WINCOLLECT, _CEF))


def of_text(line: str) -> Fields:
    r"""The fields of a line of Snare, of OSSEC's agent, of NXLog, of WinCollect or of ArcSight.

    >>> cells = ("MSWinEventLog", "1", "Security", "7", "Thu Feb 27 10:00:00 2020", "4634", "Microsoft-Windows", "u1")
    >>> of_text("\t".join(cells))["eventid"]
    '4634'

    Raises:
        RefusedLine: it is none of them.
    """
    if (start := line.find(NXLOG, 0, _TEXT_HEAD)) >= 0:
        return _of_nxlog(line, start)
    if line.find(_CEF, 0, _TEXT_HEAD) >= 0:
        return _of_cef(line)
    if (start := line.find(WINCOLLECT, 0, _TEXT_HEAD)) >= 0:
        return _of_wincollect(line[start:])
    if (found := _OSSEC.search(line, 0, _MESSAGE_LIMIT)) is not None and line.find(OSSEC, 0, _TEXT_HEAD) >= 0:
        fields: Fields = {name: text for name, text in found.groupdict().items() if text}
        if "year" in fields:
            fields["timecreated"] = f"{fields['day']} {fields['year']} {fields['clock']}"
        return _completed(fields)
    start = line.find(SNARE, 0, _TEXT_HEAD)
    rest = line[start + len(SNARE) :]
    cells = rest.split("\t" if rest[:1] == "\t" else "#011")[1:]
    if start < 0 or len(cells) <= len(_SNARE_NAMES):
        raise RefusedLine("not a line of Snare")
    fields = dict(zip(_SNARE_NAMES, cells, strict=False))
    fields["computer"] = cells[_SNARE_COMPUTER] if len(cells) > _SNARE_COMPUTER else ""
    fields["message"] = "\t".join(cells[_SNARE_DATA:])
    return _completed(fields)


def _of_nxlog(line: str, start: int) -> Fields:
    found = _NXLOG.match(line, start)
    if found is None:
        raise RefusedLine("structured data of NXLog that break off")
    fields = {csvexport.normal(name): re.sub(r"\\(.)", r"\1", text) for name, text in _NXLOG_PAIR.findall(found[1])}
    fields.setdefault("message", found[2])
    return _completed(fields)


def _of_cef(line: str) -> Fields:
    message = cef.find(line)
    if message is None or message.vendor != "Microsoft":
        raise RefusedLine("not ArcSight's CEF of Windows")
    fields = {name: message.fields[key] for key, name in _CEF_NAMES.items() if key in message.fields}
    fields.setdefault("eventid", message.event.rpartition(":")[2])
    if "failure" in (message.fields.get("categoryOutcome", "") + message.fields.get("deviceSeverity", "")).lower():
        fields["status"] = "failure"
    return fields


def tabbed(text: str) -> Fields:
    r"""The fields of WinCollect's ``Name=text`` between tabs, which a relay may write ``#011``.

    >>> tabbed("AgentDevice=WindowsDHCP\tIP Address=10.0.0.7")
    {'agentdevice': 'WindowsDHCP', 'ipaddress': '10.0.0.7'}
    """
    pairs = (pair.partition("=") for pair in text.replace("#011", "\t").split("\t"))
    return {csvexport.normal(name): cell for name, _, cell in pairs if len(name) < 64}


def _of_wincollect(text: str) -> Fields:
    """``Name=text`` between tabs, the message last, which may hold tabs itself."""
    told, _, message = text.replace("#011", "\t").partition("\tMessage=")
    fields = tabbed(told)
    if fields.get("agentlogfile", "Security") != "Security":
        fields["eventid"] = "0"  # other logs use the same numbers
    fields["message"] = message
    return _completed(fields)


def of_cells(names: tuple[str, ...], cells: list[str]) -> Fields:
    """The fields of a CSV line; a line that is too short ends where it does."""
    return _completed(dict(zip(names, cells, strict=False)))


def event_id(fields: Mapping[str, str]) -> str:
    """The number of the event; empty where there is none."""
    for name in _ID_NAMES:
        if name in fields and (text := fields[name]).isdecimal():
            return text
    return ""


def _collect(record: Mapping[str, object], fields: Fields, depth: int) -> None:
    nested: list[tuple[int, Mapping[str, object]]] = []
    for key, cell in record.items():
        bare = key.rpartition(".")[2] if "." in key and key.startswith(_PATHS) else key
        name = csvexport.normal(bare) if len(bare) < 64 else ""
        if type(cell) is str:
            fields[name] = cell
        elif isinstance(cell, dict):
            if name in _NESTED:
                nested.append((_NESTED.index(name), cell))
            else:
                _collect_small(name, cell, fields, depth)
        elif isinstance(cell, list) and name == "data":
            _collect_pairs(cell, fields)
        elif cell is not None and (text := text_of(cell)):
            fields[name] = text
    if depth < _DEEPEST:
        for _, inner in sorted(nested, key=lambda one: one[0]):
            _collect(inner, fields, depth + 1)


def _collect_small(name: str, cell: Mapping[str, object], fields: Fields, depth: int) -> None:
    """An element with attributes (``{"#text": 4624}``, ``{"@SystemTime": …}``), or a time of PowerShell."""
    for key, inner in cell.items():
        if isinstance(inner, dict):
            if depth < _DEEPEST:
                _collect_small(name, inner, fields, depth + 1)
        elif text := text_of(inner):
            word = csvexport.normal(key)
            if word in ("text", "value", "systemtime"):
                fields[name] = text
            elif name == "provider" and word == "name":
                fields["providername"] = text
            elif name == "agent" or word in ("name", "code"):
                continue
            else:
                fields.setdefault(word, text)


def _collect_pairs(cells: list[object], fields: Fields) -> None:
    """``EventData`` as a list of ``{"@Name": name, "#text": text}``."""
    for cell in cells:
        if isinstance(cell, dict):
            pair = {csvexport.normal(key): text_of(inner) for key, inner in cell.items() if len(key) < 64}
            if name := pair.get("name"):
                fields[csvexport.normal(name)] = pair.get("text", "") or pair.get("value", "")


def _completed(fields: Fields) -> Fields:
    """With what only the message says, or a field that holds the others."""
    if "payload" in fields or "eventdata" in fields:
        _unpack(fields)
    message = fields.get("message")
    if not message or fields.get("targetusername"):
        return fields
    message = message[:_MESSAGE_LIMIT]
    parts = _SECTION.split(message)
    sections = dict(zip(parts[1::2], parts[2::2], strict=False))
    about = next((sections[name] for name in _SECTIONS if name in sections), "")
    for name, label in _MESSAGE_FIELDS:
        if found := _labelled(label, about):
            fields.setdefault(name, found)
    for name, label in _WHOLE_FIELDS:
        if found := _labelled(label, message):
            fields.setdefault(name, found)
    return fields


def _unpack(fields: Fields) -> None:
    """Add what a text of JSON or XML holds."""
    for name in ("payload", "eventdata"):
        if (held := fields.pop(name, "")).startswith("{"):
            _collect(jsonline.record(held), fields, 0)
        elif held.startswith("<"):
            fields.update((csvexport.normal(label), html.unescape(text)) for label, text in _XML_DATA.findall(held))


_SECTIONS = ("New Logon", "Account For Which Logon Failed", "Account Information", "Subject")
"""The parts of a message that name the account, best first; the subject is whom a logoff speaks of."""


def _labelled(label: str, text: str) -> str:
    at = text.find(label + ":")
    if at < 0:
        return ""
    rest = text[at + len(label) + 1 :].lstrip(" \t")
    return _LABEL_BEHIND.split(rest, maxsplit=1)[0].strip()
