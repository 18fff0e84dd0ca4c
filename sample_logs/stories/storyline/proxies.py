"""Layouts of proxies: Squid's native access log and ProxySG's ELFF main log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storyline.clock import SECOND, at, moment
from storyline.events import Web, dice_of, server_of
from storyline.layout import Layout, Line

if TYPE_CHECKING:
    from collections.abc import Iterator

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.88",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:72.0) Gecko/20100101 Firefox/72.0",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
)
UPGRADE = at("2020-02-05 06:00:00")
"""When the ProxySG got new firmware, whose header names more columns, in the middle of a file."""
_FIELDS = (
    "date time time-taken c-ip cs-username cs-auth-group x-exception-id sc-filter-result cs-categories cs(Referer) "
    "sc-status s-action cs-method rs(Content-Type) cs-uri-scheme cs-host cs-uri-port cs-uri-path cs-uri-query "
    "cs-uri-extension cs(User-Agent) s-ip sc-bytes cs-bytes x-virus-id"
)
_MORE_FIELDS = f"{_FIELDS} x-bluecoat-application-name x-bluecoat-application-operation"
_CATEGORIES = ("News/Media", "Technology/Internet", "Government/Legal", "Business/Economy", "Search Engines/Portals")


def squid_line(web: Web) -> Iterator[Line]:
    """``%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt``."""
    dice = dice_of(web)
    tunnel = web.method == "CONNECT"
    url = f"{web.host}:443" if tunnel else f"{web.scheme}://{web.host}{web.path}"
    refused = web.status in (403, 407)
    what = "TCP_DENIED" if refused else "NONE" if web.status == 503 else "TCP_TUNNEL" if tunnel else "TCP_MISS"
    hierarchy = "HIER_NONE/-" if refused or web.status == 503 else f"HIER_DIRECT/{server_of(web.host)}"
    kind = "text/html" if refused or not tunnel else "-"
    took = 0 if refused else dice.randrange(20, 90_000 if tunnel else 900)
    stamp = f"{web.at // SECOND}.{web.at % SECOND:03d}"
    outcome = f"{what}/{web.status:03d} {web.received} {web.method} {url}"
    yield web.at, f"{stamp} {took:6d} {web.address} {outcome} {web.user or '-'} {hierarchy} {kind}"


def proxysg_line(web: Web) -> Iterator[Line]:
    """One line of ``bcreportermain_v1``; the appliance writes two blanks before ``sc-status``."""
    dice = dice_of(web)
    tunnel = web.method == "CONNECT"
    refused = web.status in (403, 407)
    path, _, query = web.path.partition("?")
    scheme, port = ("tcp", 443) if tunnel else (web.scheme, 443 if web.scheme == "https" else 80)
    exception = {403: "policy_denied", 407: "authentication_failed"}.get(web.status, "-")
    action = "TCP_DENIED" if refused else "TCP_TUNNELED" if tunnel else "TCP_NC_MISS"
    client = f"{web.address} {web.user or '-'} " + ('"SERVICE\\Staff"' if web.user else "-")
    result = f'{exception} {"DENIED" if refused else "OBSERVED"} "{_CATEGORIES[len(web.host) % 5]}" -  {web.status}'
    kind = "-" if tunnel else "text/html;charset=utf-8"
    url = f"{scheme} {web.host} {port} {path or '/'} {'?' + query if query else '-'} -"
    rest = f'"{dice.choice(AGENTS)}" 10.40.0.8 {web.received} {web.sent} -'
    more = ' "none" "none"' if web.at >= UPGRADE else ""
    head = f"{moment(web.at):%Y-%m-%d %H:%M:%S} {dice.randrange(9, 4000)}"
    yield web.at, f"{head} {client} {result} {action} {web.method} {kind} {url} {rest}{more}"


def proxysg_header(start: int) -> list[str]:
    """The block that the appliance writes at the head of each file and after a restart."""
    fields = _MORE_FIELDS if start >= UPGRADE else _FIELDS
    return [
        "#Software: SGOS 6.7.4.3" if start < UPGRADE else "#Software: SGOS 6.7.5.1",
        "#Version: 1.0",
        f"#Start-Date: {moment(start):%Y-%m-%d %H:%M:%S}",
        f"#Date: {moment(start):%Y-%m-%d %H:%M:%S}",
        f"#Fields: {fields}",
        '#Remark: 3017100042 "proxy-east" "10.40.0.8" "main"',
    ]


SQUID = Layout(squid_line)
PROXYSG = Layout(proxysg_line, header=proxysg_header, restarts=(UPGRADE,), precision=SECOND)
