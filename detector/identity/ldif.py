"""An LDAP export (LDIF) as entries of a directory: Active Directory, OpenLDAP and their like.

Records stand apart by blank lines; a line that begins with a blank goes on with the line before; ``name:: VALUE`` is
base64, ``name:< URL`` is passed. Of a person's record (``objectClass`` person, user, inetOrgPerson or posixAccount, and
not computer or group; where a record has none: one with an account or address and no ``member``) count

- ``employeeNumber``, ``employeeID``, else ``sAMAccountName``, ``uid``, ``userPrincipalName``, ``mail``: the id
- ``displayName``, ``cn``; ``department``, ``ou``: name and unit
- ``mail``, ``proxyAddresses`` (those that begin with ``smtp:``), ``mailAlternateAddress``, ``mailLocalAddress``, …
- ``sAMAccountName``, ``userPrincipalName``, ``uid``, ``krbPrincipalName``: accounts
- ``whenCreated``, ``createTimestamp``: generalised time, UTC: from when on
- ``accountExpires``: 100 ns since 1601, 0 and 2^63-1 for never; ``shadowExpire``: days since 1970, -1 for never: until

References: https://www.rfc-editor.org/rfc/rfc2849,
https://learn.microsoft.com/en-us/windows/win32/adschema/a-accountexpires (unverified from here)
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from detector.events import MICROSECONDS
from detector.events.instants import from_datetime
from detector.grammars.values import lower
from detector.identity.people import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_Record: TypeAlias = "dict[str, list[str]]"
_PEOPLE = frozenset({"person", "user", "inetorgperson", "posixaccount", "organizationalperson"})
_OTHERS = frozenset({"computer", "group", "groupofnames", "groupofuniquenames", "posixgroup", "organizationalunit",
                     "contact", "container", "domain", "msds-groupmanagedserviceaccount"})  # fmt: skip
_IDS = ("employeenumber", "employeeid", "samaccountname", "uid", "userprincipalname", "mail")
_MAILS = ("mail", "proxyaddresses", "mailalternateaddress", "maillocaladdress", "othermailbox", "rfc822mailbox",
          "alternateaddress", "mailalias", "gosamailalternateaddress")  # fmt: skip
_ACCOUNTS = ("samaccountname", "userprincipalname", "uid", "krbprincipalname")
_FILETIME_EPOCH_US = 11_644_473_600 * MICROSECONDS
_NEVER = frozenset({"0", "9223372036854775807", "-1", ""})
_DAY = 86_400 * MICROSECONDS
_LONGEST_NUMBER = 19


def entries(text: str) -> Iterator[tuple[int, Entry | str]]:
    """(line, entry or fault) of each person's record; records of groups, computers and folders are passed."""
    for line, record, faults in _records(text):
        yield from faults
        if "changetype" in record:
            yield line, "is a change, no record: export the directory whole (ldapsearch, ldifde -f, Get-ADUser)"
        elif not faults and _is_person(record):
            yield line, _entry(record)


def _records(text: str) -> Iterator[tuple[int, _Record, list[tuple[int, str]]]]:
    """(first line, attributes by lower-case name, faults) of each record."""
    record: _Record = {}
    faults: list[tuple[int, str]] = []
    start = 0
    for number, line in chain(_unfolded(text), [(0, "")]):
        if line.strip():
            start = start or number
            name, value = _attribute(line)
            if value is None:
                faults.append((number, name))
            elif name:
                record.setdefault(name, []).append(value)
        elif start:
            yield start, record, faults
            record, faults, start = {}, [], 0


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """(number, line) without comments, with lines that were folded put together."""
    whole: tuple[int, str] | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        bare = line.removesuffix("\r")
        if bare.startswith(" ") and whole is not None:
            whole = whole[0], whole[1] + bare[1:]
            continue
        if whole is not None and not whole[1].startswith("#"):
            yield whole
        whole = number, bare
    if whole is not None and not whole[1].startswith("#"):
        yield whole


def _attribute(line: str) -> tuple[str, str | None]:
    """Name and value; of a line that is none, the fault and ``None``."""
    name, colon, value = line.partition(":")
    plain = lower(name.partition(";")[0].strip())
    if not colon or not plain:
        return "is no attribute (name: value): export the directory again, or mend the line", None
    if value.startswith("<"):
        return "", ""
    if not value.startswith(":"):
        return plain, value.strip()
    try:
        return plain, base64.b64decode(value[1:].strip(), validate=True).decode("utf-8", "backslashreplace")
    except binascii.Error:
        return f"{name} is no base64 behind the second colon: export the directory again, or mend the line", None


def _is_person(record: Mapping[str, Sequence[str]]) -> bool:
    classes = {lower(one) for one in record.get("objectclass", ())}
    if classes:
        return bool(classes & _PEOPLE) and not classes & _OTHERS and any(name in record for name in _IDS)
    return any(name in record for name in _IDS) and not record.keys() & {"member", "memberuid", "uniquemember"}


def _entry(record: Mapping[str, Sequence[str]]) -> Entry | str:
    try:
        since = [_generalised(one) for name in ("whencreated", "createtimestamp") for one in record.get(name, ())[:1]]
        ends = [_filetime(one) for one in record.get("accountexpires", ())]
        ends += [None if one in _NEVER else _number(one) * _DAY for one in record.get("shadowexpire", ())]
    except (ValueError, OverflowError) as fault:
        return f"has a time that cannot be read ({fault}): correct it, or leave the attribute out"
    mails = [mail for name in _MAILS for one in record.get(name, ()) if (mail := _mail(one))]
    until = [end for end in ends if end is not None]
    return Entry(
        id=next(record[name][0] for name in _IDS if name in record),
        name=_first(record, "displayname", "cn"),
        mails=tuple(dict.fromkeys(mails)),
        accounts=tuple(dict.fromkeys(one for name in _ACCOUNTS for one in record.get(name, ()))),
        unit=_first(record, "department", "ou"),
        since=min(since, default=None),
        until=min(until, default=None),
    )


def _mail(text: str) -> str:
    """The address, empty for other kinds (``x500:``, ``sip:``)."""
    kind, colon, address = text.strip().rpartition(":")
    return address if "@" in address and (not colon or lower(kind) == "smtp") else ""


def _first(record: Mapping[str, Sequence[str]], *names: str) -> str:
    return next((record[name][0] for name in names if record.get(name)), "")


def _generalised(text: str) -> int:
    """The instant of ``20180401000000.0Z``.

    Raises:
        ValueError: it is none.
    """
    if not text.endswith("Z") or not text[:14].isdecimal():
        raise ValueError(f"{text[:40]!r}")
    return from_datetime(datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC))


def _filetime(text: str) -> int | None:
    return None if text in _NEVER else _number(text) // 10 - _FILETIME_EPOCH_US


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise ValueError(f"{text[:40]!r}")
    return int(text)
