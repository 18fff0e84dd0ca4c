"""One spelling for every host name: the normalisation contract that all matching rests on.

Lower case (ASCII only), no port, no brackets, one final dot off, percent-encoding undone,
full-width forms and ideographic dots as the ASCII that they stand for, A-labels. What is no host name is ``None``.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from detector.grammars.values import lower

_LONGEST_HOST = 253
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*")
_ALL_ASCII_FORMS = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: ".", 0xFF61: "."}
"""Full-width forms and the dots that IDNA (UTS 46) maps to ``.``; nothing else turns into ASCII, so look-alikes stay
look-alikes. Reference: https://www.unicode.org/reports/tr46/ section 4 (unverified from here)."""


class Target(NamedTuple):
    """Where a URL, a host or ``host:port`` points.

    Attributes:
        host: normalised host, ``None`` where there is none.
        path: normalised lower-case path, empty where only the host is known.
        query: the raw query, without the question mark.
    """

    host: str | None
    path: str
    query: str


def normalise(host: str) -> str | None:
    """The one spelling of a host name (or IPv4 address), ``None`` for what is none.

    >>> normalise("WWW.Clearview.AI.:443"), normalise("clearview%2Eai"), normalise("clearview。ai")
    ('www.clearview.ai', 'clearview.ai', 'clearview.ai')
    >>> normalise("[clearview.ai]:443"), normalise("[2001:db8::7]:443"), normalise("clearview..ai"), normalise("-")
    ('clearview.ai', None, None, None)
    """
    if _HOST.fullmatch(host) and len(host) <= _LONGEST_HOST:
        return host
    host = host.strip()
    if "%" in host:
        host = unquote(host)
    host = lower(host.translate(_ALL_ASCII_FORMS) if not host.isascii() else host)
    host = re.sub(r":\d*$", "", host)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    host = host.removesuffix(".")
    if not host.isascii():
        import idna  # noqa: PLC0415 - 10 ms that logs without such names need not pay

        try:
            host = idna.encode(host).decode()
        except idna.IDNAError:
            return None
    return host if _HOST.fullmatch(host) and len(host) <= _LONGEST_HOST else None


def target_of(url: str) -> Target:
    """The parts of a URL, of a URL without scheme, of ``host:port`` or of a bare host.

    User information, path, query and fragment are never host.

    >>> target_of("https://user@App.Clearview.ai:443/App//Login?next=/#x")
    Target(host='app.clearview.ai', path='/app/login', query='next=/')
    """
    authority, path, query = _parts(url)
    return Target(normalise(authority.rpartition("@")[2]), path, query)


def path_of(url: str) -> tuple[str, str]:
    """The normalised path and the raw query of a URL, both empty where only the host is known.

    >>> path_of("https://app.clearview.ai/App//Login?next=/#x"), path_of("app.clearview.ai:443")
    (('/app/login', 'next=/'), ('', ''))
    """
    return _parts(url)[1:] if "/" in url or "?" in url or "\\" in url else ("", "")


def _parts(url: str) -> tuple[str, str, str]:
    _, scheme, rest = url.strip().partition("://")
    rest = (rest if scheme else url.strip().removeprefix("//")).replace("\\", "/")
    rest = rest.partition("#")[0]
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    return authority, normalise_path(slash + path) if slash else "", query


def normalise_path(path: str) -> str:
    """A path in lower case, percent-encoding undone, empty, ``.`` and ``..`` segments resolved; a final slash stays.

    >>> normalise_path("/a/./b//../%43/")
    '/a/c/'
    """
    path = (unquote(path) if "%" in path else path).lower()
    if "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept[-1:] = []
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
