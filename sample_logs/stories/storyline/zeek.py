"""Layouts of a Zeek sensor: ``ssl.log`` and ``dns.log``, tab-separated; it sees addresses, never who sits there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storyline.clock import SECOND, moment
from storyline.events import dice_of, server_of
from storyline.layout import Layout, Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storyline.events import Lookup, Web

_SSL = (
    "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port version:string cipher:string "
    "curve:string server_name:string resumed:bool last_alert:string next_protocol:string established:bool"
)
_DNS = (
    "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port proto:enum trans_id:count "
    "rtt:interval query:string qclass:count qclass_name:string qtype:count qtype_name:string rcode:count "
    "rcode_name:string AA:bool TC:bool RD:bool RA:bool Z:count answers:vector[string] TTLs:vector[interval] "
    "rejected:bool"
)
_TYPES = {"A": 1, "AAAA": 28}
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def ssl_line(web: Web) -> Iterator[Line]:
    """One TLS connection; what is asked for without TLS is not in this log."""
    if web.scheme != "https":
        return
    curve, cipher = "secp256r1", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    seen = ("TLSv12", cipher, curve, web.host, "F", "-", "h2", "T")
    yield web.at, "\t".join((*_head(web, server_of(web.host), 443), *seen))


def dns_line(lookup: Lookup) -> Iterator[Line]:
    """One question with its answer."""
    number = dice_of(lookup).randrange(2**16)
    question = (lookup.name, "1", "C_INTERNET", str(_TYPES[lookup.type]), lookup.type)
    answer = server_of(lookup.name) if lookup.type == "A" else "-"
    flags = ("0", "NOERROR", "F", "F", "T", "T", "0", answer, "300.000000" if lookup.type == "A" else "-", "F")
    yield lookup.at, "\t".join((*_head(lookup, "10.40.0.53", 53), "udp", str(number), "0.021904", *question, *flags))


def _head(event: Web | Lookup, server: str, port: int) -> tuple[str, ...]:
    dice = dice_of(event)
    uid = "C" + "".join(dice.choices(_LETTERS, k=17))
    stamp = f"{event.at // SECOND}.{event.at % SECOND:03d}000"
    return stamp, uid, event.address, str(dice.randrange(49_152, 65_000)), server, str(port)


def _header(path: str, columns: str, start: int) -> list[str]:
    names, types = zip(*(column.rsplit(":", 1) for column in columns.split()), strict=True)
    return [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        f"#path\t{path}",
        f"#open\t{moment(start):%Y-%m-%d-%H-%M-%S}",
        "#fields\t" + "\t".join(names),
        "#types\t" + "\t".join(types),
    ]


def ssl_header(start: int) -> list[str]:
    """What Zeek writes at the head of each ``ssl.log``."""
    return _header("ssl", _SSL, start)


def dns_header(start: int) -> list[str]:
    """What Zeek writes at the head of each ``dns.log``."""
    return _header("dns", _DNS, start)


ZEEK_SSL = Layout(ssl_line, header=ssl_header)
ZEEK_DNS = Layout(dns_line, header=dns_header)
