"""The directory of an organisation, from a CSV file or an LDAP export: people, or every fault at once.

The CSV file has a header and one row for each person and time:
``id,name,mails,accounts,unit,valid_from,valid_until`` and, where wanted, ``hosts``; separated by commas, semicolons or
tabs. Only ``id`` must be there. Several addresses or accounts in a cell stand apart by blanks or ``;``, several rows of
one id are changes over time. Days are ``2020-02-27``, of the zone that is given; the day of ``valid_until`` is the last
one. Columns that a directory has besides are passed over; a name that is nearly one of these is a fault.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import TYPE_CHECKING

from detector.errors import InvalidFile, Problem
from detector.events.instants import from_datetime
from detector.identity import ldif
from detector.identity.people import Entry, People

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SIZE_LIMIT_BYTES = 512 * 1024 * 1024
SHOWN_PROBLEMS = 100
_ALIASES = {
    "id": ("id", "person_id", "personid", "employee_id", "employeeid", "employee_number", "employeenumber",
           "personnel_number", "staff_id", "staff_number", "badge"),
    "name": ("name", "display_name", "displayname", "full_name", "fullname", "cn", "common_name"),
    "mails": ("mails", "mail", "email", "emails", "e_mail", "e_mails", "mail_address", "mail_addresses",
              "email_address", "email_addresses", "e_mail_address", "e_mail_addresses", "mailboxes", "aliases",
              "proxy_addresses", "proxyaddresses"),
    "accounts": ("accounts", "account", "account_name", "login", "logins", "user", "users", "username", "usernames",
                 "user_name", "user_names", "samaccountname", "sam_account_name", "userprincipalname", "upn", "uid"),
    "unit": ("unit", "units", "department", "ou", "organisational_unit", "organizational_unit", "team", "division"),
    "valid_from": ("valid_from", "validfrom", "from", "since", "start", "start_date", "startdate"),
    "valid_until": ("valid_until", "validuntil", "valid_to", "validto", "until", "to", "end", "end_date", "enddate"),
    "hosts": ("hosts", "host", "computers", "computer", "workstations", "workstation", "devices"),
}  # fmt: skip
_MEANINGS = {alias: meaning for meaning, aliases in _ALIASES.items() for alias in aliases}
_MANY = ("mails", "accounts", "hosts")
_ADDRESS = re.compile(r"(?:smtp:)?([^@\s<>;,\"]+@[^@\s<>;,\"]+)", re.IGNORECASE)
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig"}
_LDIF = re.compile(r"\s*(?:#[^\n]*\n\s*)*(?:version:|dn:)", re.IGNORECASE)


def load(path: Path, zone: tzinfo = UTC) -> People:
    """Load a directory; what it is, CSV or LDIF, is told by its content.

    Args:
        path: the file.
        zone: of days and times that carry none.

    Raises:
        InvalidFile: every fault (at most ``SHOWN_PROBLEMS``) with file:line and what to do.
    """
    problems: list[Problem] = []
    entries: list[Entry] = []
    text = _text(path)
    records = ldif.entries(text) if _LDIF.match(text) else _rows(text, zone)
    for line, found in records:
        if isinstance(found, Entry):
            entries.append(found)
        elif len(problems) < SHOWN_PROBLEMS:
            problems.append(Problem(str(path), line, 0, found))
    if problems:
        raise InvalidFile(problems)
    if not entries:
        raise InvalidFile([Problem(str(path), 0, 0, "names nobody: write one row for each person below the header")])
    return People(entries)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(SIZE_LIMIT_BYTES + 1)
    except OSError as fault:
        raise InvalidFile([Problem(str(path), 0, 0, f"cannot be read: {fault.strerror}")]) from None
    if len(raw) > SIZE_LIMIT_BYTES:
        raise InvalidFile([Problem(str(path), 0, 0, f"is larger than {SIZE_LIMIT_BYTES} bytes")])
    encoding = next((name for mark, name in _MARKS.items() if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        raise InvalidFile([Problem(str(path), line, 0, "is not UTF-8 here: save the file as UTF-8")]) from None


def _rows(text: str, zone: tzinfo) -> Iterator[tuple[int, Entry | str]]:
    """(line, entry or fault) of each row."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    columns: list[str] | None = None
    width, line = 0, 1
    try:
        for cells in reader:
            if columns is None and any(map(str.strip, cells)):
                columns, width = [_meaning(name) for name in cells], len(cells)
                yield from ((line, fault) for fault in _header_faults(cells, columns))
            elif any(map(str.strip, cells)):
                if len(cells) != width:
                    yield line, f"has {len(cells)} cells, the header has {width}: quote cells that hold the separator"
                else:
                    told = _told(columns or [], cells)
                    faults = list(_faults(told, zone))
                    yield from ((line, fault) for fault in faults)
                    if not faults:
                        yield line, _entry(told, zone)
            line = reader.line_num + 1
    except csv.Error as fault:
        yield line, f"is no CSV from here on ({fault}): close every quote, double a quote inside a cell"


def _delimiter(text: str) -> str:
    head = text.lstrip().partition("\n")[0]
    return max((",", ";", "\t"), key=head.count)


def _plain(name: str) -> str:
    return re.sub(r"[\s\-/]+", "_", name.strip().lower())


def _meaning(name: str) -> str:
    return _MEANINGS.get(_plain(name), "")


def _header_faults(names: Sequence[str], columns: Sequence[str]) -> Iterator[str]:
    if "id" not in columns:
        yield f"no column is called id: the header is {', '.join(_ALIASES)}"
    for name, meaning in zip(names, columns, strict=True):
        near = get_close_matches(_plain(name), _MEANINGS, n=1, cutoff=0.85)
        if not meaning and near:
            yield f"no column is called {name.strip()!r}: did you mean {_MEANINGS[near[0]]!r}?"
        if meaning and meaning not in _MANY and columns.count(meaning) > 1:
            yield f"two columns mean {meaning}: leave one"
            return


def _told(columns: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    """What a row says; columns of one meaning (two kinds of account) are read together."""
    told: dict[str, str] = {}
    for meaning, cell in zip(columns, cells, strict=True):
        if meaning:
            told[meaning] = f"{told[meaning]};{cell}" if meaning in told else cell.strip()
    return told


def _faults(told: Mapping[str, str], zone: tzinfo) -> Iterator[str]:
    if not told.get("id"):
        yield "names no id: write one that stays the same when the person's name changes"
    if any("\n" in cell for cell in told.values()):
        yield "has a cell over several lines: close its quote"
    for mail in _many(told.get("mails", "")):
        if not _ADDRESS.fullmatch(mail):
            yield f"{mail!r} is no mail address: write name@domain, several apart by a blank or ;"
    bounds = []
    for name in ("valid_from", "valid_until"):
        try:
            bounds.append(_instant(told.get(name, ""), zone, is_end=name == "valid_until"))
        except (ValueError, OverflowError):
            yield f"{name} {told[name]!r} is no day: write it like 2020-02-27, or nothing"
            return
    since, until = bounds
    if since is not None and until is not None and since >= until:
        yield f"valid_until {told['valid_until']} is before valid_from {told['valid_from']}: exchange or correct them"


def _entry(told: Mapping[str, str], zone: tzinfo) -> Entry:
    found = (_ADDRESS.fullmatch(mail) for mail in _many(told.get("mails", "")))
    return Entry(
        id=told["id"],
        name=told.get("name", ""),
        mails=tuple(one[1] for one in found if one),
        accounts=_many(told.get("accounts", "")),
        unit=told.get("unit", ""),
        since=_instant(told.get("valid_from", ""), zone, is_end=False),
        until=_instant(told.get("valid_until", ""), zone, is_end=True),
        hosts=_many(told.get("hosts", "")),
    )


def _many(cell: str) -> tuple[str, ...]:
    return tuple(one for one in re.split(r"[\s;,]+", cell) if one)


def _instant(text: str, zone: tzinfo, *, is_end: bool) -> int | None:
    """A day's beginning (or, of an end, the next day's), or the very time that is written.

    Raises:
        ValueError: the text is neither.
    """
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if is_end and len(text) <= len("2020-02-27"):
        moment += timedelta(days=1)
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=zone))
