"""Layouts of what tells who had an address when: ISC dhcpd, Windows DHCP, the Windows security log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storyline.clock import SECOND, moment
from storyline.events import dice_of
from storyline.layout import Layout, Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storyline.events import Lease, Login

_DOMAIN = "service.example"
_LEGEND = """\t\tMicrosoft DHCP Service Activity Log


Event ID  Meaning
10\tA new IP address was leased to a client.
11\tA lease was renewed by a client.
12\tA lease was released by a client.

ID,Date,Time,Description,IP Address,Host Name,MAC Address,User Name, TransactionID, QResult,Probationtime, \
CorrelationID,Dhcid,VendorClass(Hex),VendorClass(ASCII),UserClass(Hex),UserClass(ASCII),RelayAgentInformation,\
DnsRegError."""
_LOGGED_IN = (
    '"TimeCreated","Id","TargetUserName","TargetDomainName","IpAddress","LogonType","WorkstationName","MachineName"'
)


def dhcpd_line(lease: Lease) -> Iterator[Line]:
    """``TIME gw dhcpd[pid]: DHCPACK on ADDRESS to MAC (NAME) via INTERFACE relay … lease-duration SECONDS``."""
    head = f"{moment(lease.at):%Y-%m-%dT%H:%M:%S}+00:00 gw dhcpd[642]:"
    if not lease.seconds:
        yield lease.at, f"{head} DHCPRELEASE of {lease.address} from {lease.mac} ({lease.host}) via eth0 (found)"
        return
    given = f"{lease.address} to {lease.mac} ({lease.host}) via eth0 relay eth0 lease-duration {lease.seconds}"
    yield lease.at, f"{head} DHCPACK on {given} (RENEW)" if not lease.is_first else f"{head} DHCPACK on {given}"


def windows_dhcp_line(lease: Lease) -> Iterator[Line]:
    """``ID,Date,Time,Description,IP Address,Host Name,MAC Address,…``; how long a lease lasts is not told."""
    number, what = (12, "Release") if not lease.seconds else (10, "Assign") if lease.is_first else (11, "Renew")
    transaction = dice_of(lease).randrange(2**32) if lease.seconds else 0
    where = f"{lease.address},{lease.host}.{_DOMAIN},{lease.mac.replace(':', '').upper()}"
    stamp = f"{moment(lease.at):%m/%d/%y,%H:%M:%S}"
    yield lease.at, f"{number},{stamp},{what},{where},,{transaction},0,,,,0x4D53465420352E30,MSFT 5.0,,,,0"


def windows_dhcp_legend(_start: int) -> list[str]:
    """What the server writes at the head of each file."""
    return _LEGEND.split("\n")


def security_line(login: Login) -> Iterator[Line]:
    """Event 4624 as ``Get-WinEvent … | Export-Csv`` writes it."""
    when = moment(login.at)
    stamp = (
        f"{when.month}/{when.day}/{when.year} {when.hour % 12 or 12}:{when:%M:%S} {'AM' if when.hour < 12 else 'PM'}"
    )
    cells = (stamp, "4624", login.user, "SERVICE", login.address, "3", login.host.upper(), f"dc1.{_DOMAIN}")
    yield login.at, ",".join(f'"{cell}"' for cell in cells)


def security_header(_start: int) -> list[str]:
    """The names of the columns."""
    return [_LOGGED_IN]


ISC_DHCPD = Layout(dhcpd_line, precision=SECOND)
WINDOWS_DHCP = Layout(windows_dhcp_line, header=windows_dhcp_legend, precision=SECOND, end="\r\n")
WINDOWS_SECURITY = Layout(security_line, header=security_header, precision=SECOND, end="\r\n")
