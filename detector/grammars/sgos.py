"""The access log formats that come with ProxySG's own system, and the one that IBM asks for.

Reference: "SG Appliance, Volume 8: Access Logging", https://techdocs.broadcom.com/; "DSM Configuration Guide", chapter
Blue Coat, https://www.ibm.com/docs/en/dsm (unverified from here)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine

if TYPE_CHECKING:
    from collections.abc import Sequence

MAIN = (  # noqa: SIM905 - as the vendor prints it
    "date time time-taken c-ip cs-username cs-auth-group x-exception-id sc-filter-result cs-categories cs(referer) "
    "sc-status s-action cs-method rs(content-type) cs-uri-scheme cs-host cs-uri-port cs-uri-path cs-uri-query "
    "cs-uri-extension cs(user-agent) s-ip sc-bytes cs-bytes x-virus-id x-bluecoat-application-name "
    "x-bluecoat-application-operation cs-threat-risk x-bluecoat-transaction-uuid "
    "x-icap-reqmod-header(x-icap-metadata) x-icap-respmod-header(x-icap-metadata)"
).split()
"""``bcreportermain_v1``, the default."""
_SUPPLIER = ["s-supplier-name", "s-supplier-ip", "s-supplier-country", "s-supplier-failures"]
_MAIN_SUPPLIER = [*MAIN[:6], *_SUPPLIER, *MAIN[6:]]
_FEWEST = 24  # bcreportermain_v1 up to cs-bytes
_OLD = (  # noqa: SIM905 - as the vendor prints it
    "date time time-taken c-ip sc-status s-action sc-bytes cs-bytes cs-method cs-uri-scheme cs-host cs-uri-port "
    "cs-uri-path cs-uri-query cs-username cs-auth-group s-hierarchy s-supplier-name rs(content-type) cs(referer) "
    "cs(user-agent) sc-filter-result cs-categories x-virus-id s-ip"
).split()
"""``main``; without ``cs(referer)`` before SGOS 6."""
_OLDER = [name for name in _OLD if name != "cs(referer)"]
_SENTINEL = ["version", *MAIN[:22], "sr-bytes", "rs-bytes", *MAIN[24:27]]
"""As Microsoft has a feed for Sentinel written, behind a ``1``: bytes of the proxy to the server and back."""
_SSL = [*MAIN[:9], *MAIN[10:17], *MAIN[19:24]]
"""``bcreporterssl_v1`` up to ``cs-bytes``: no referrer, neither path nor query; certificates stand behind."""
RESULTS = frozenset({"OBSERVED", "PROXIED", "DENIED"})
"""What ``sc-filter-result`` says."""
QRADAR = "Bluecoat|"
_CODE = re.compile(r"\d{3}|[-0]")
_DONE = re.compile(r"(?:TCP|UDP|NONE|ALLOWED|DENIED|FAILED|TUNNELED|SERVER)[A-Z_]*")
_PIPE = re.compile(r"\|(?=[a-z][A-Za-z()-]{1,30}=)")
_QRADAR_NAMES = {"src": "c-ip", "username": "cs-username", "devicetime": "gmttime", "dstport": "cs-uri-port"}


def names_of(found: Sequence[str]) -> tuple[str, ...]:
    """The names of a line without a header, where it clearly is one of ProxySG's own formats.

    Raises:
        RefusedLine: it is none.
    """
    if found and found[0].rpartition(">")[2] == "1" and len(found) > _FEWEST and found[8] in RESULTS:
        return tuple(_SENTINEL[: len(found)])
    for names, verdict in ((MAIN, 7), (_MAIN_SUPPLIER, 11)):
        if len(found) >= _FEWEST + verdict - 7 and found[verdict] in RESULTS and _CODE.fullmatch(found[verdict + 3]):
            return tuple(names[: len(found)])
    if len(found) >= len(_SSL) and found[7] in RESULTS and _CODE.fullmatch(found[9]) and _DONE.fullmatch(found[10]):
        return tuple(_SSL)
    for names in (_OLD, _OLDER):
        verdict = names.index("sc-filter-result")
        if (
            len(found) > verdict
            and found[verdict] in RESULTS
            and _CODE.fullmatch(found[4])
            and _DONE.fullmatch(found[5])
        ):
            return tuple(names[: len(found)])
    raise RefusedLine("no #Fields line yet, and none of ProxySG's own formats")


def qradar(line: str) -> list[tuple[str, str]]:
    """The names and values of a line as IBM asks for it, its own names for ProxySG's.

    >>> qradar("Bluecoat|src=10.0.0.7|s-action=TCP_HIT|cs(User-Agent)=a|b")
    [('c-ip', '10.0.0.7'), ('s-action', 'TCP_HIT'), ('cs(User-Agent)', 'a|b')]
    """
    pairs = [piece.partition("=") for piece in _PIPE.split(line)[1:]]
    return [(_QRADAR_NAMES.get(name, name), value) for name, _, value in pairs]
