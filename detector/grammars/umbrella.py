r"""Who the identities of Cisco Umbrella's logs are: people, computers, networks, sites.

Column 2 of every log is the most granular identity; which of all identities is a person is told by the identity types,
in newer versions. Reference: https://docs.umbrella.com/deployment-umbrella/docs/log-formats-and-versioning
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.grammars import values
from detector.grammars.together import together

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOGIN = re.compile(r".*\(([^()\s]+@[^()\s]+|[^()\s]+\\[^()\s]+)\)\s*", re.DOTALL)

_ALIASES = {
    "mostgranularidentity": "policyidentity", "policyidentitylabel": "policyidentity", "identity": "policyidentity",
    "mostgranularidentitytype": "policyidentitytype", "identitytype": "policyidentitytype", "dnsquerytype": "querytype",
}  # fmt: skip


def columns(names: Sequence[str]) -> tuple[str, ...]:
    """The names of a header in the words of the first versions.

    >>> columns(["timestamp", "mostgranularidentity"])
    ('timestamp', 'policyidentity')
    """
    return tuple(_ALIASES.get(name, name) for name in names)


def is_header(line: str) -> bool:
    """Whether a line of CSV is a header: exports that were put together have several."""
    return line.lstrip('"')[:9].lower() == "timestamp"


@lru_cache(maxsize=8192)
def person(identity: str, kind: str, identities: str, kinds: str) -> str | None:
    r"""The login of the person among the identities, ``None`` where none is one.

    A name may hold commas (``Doe, Jane (jane@example.org)``), so that types and identities are paired only where their
    numbers agree. Versions without types show people by the at sign or the backslash of their login.

    >>> person("HQ", "Networks", "HQ,Jane Doe (u1042@example.org)", "Networks,AD Users")
    'u1042@example.org'
    >>> person("Doe, Jane (u1042@example.org)", "AD Users", "", ""), person("ws-0317", "Roaming Computers", "", "")
    ('u1042@example.org', None)
    """
    if _is_person(kind):
        return _login(identity)
    names, types = identities.split(","), kinds.split(",")
    if len(names) == len(types):
        for name, written in zip(names, types, strict=True):
            if _is_person(written):
                return _login(name)
    if kind and not any(_is_person(one) for one in types):
        return None
    return next((_login(name) for name in (identity, *names) if "@" in name or "\\" in name), None)


def computer(identity: str, kind: str) -> str | None:
    """The name of a computer where the identity is one.

    >>> computer("WS-0317", "Roaming Computers"), computer("HQ", "Networks")
    ('ws-0317', None)
    """
    is_computer = "computer" in kind.lower() or "anyconnect" in kind.lower()
    return values.host(identity) if is_computer and " " not in identity else None


USER = together("policyidentity policyidentitytype identities identitytypes", person)
"""The login of the person in a record."""
COMPUTER = together("policyidentity policyidentitytype", computer)
"""The name of the computer in a record."""


def _is_person(kind: str) -> bool:
    return "user" in kind.lower()


def _login(identity: str) -> str | None:
    found = _LOGIN.fullmatch(identity) if len(identity) < 512 else None
    return values.user(found[1] if found else identity)
