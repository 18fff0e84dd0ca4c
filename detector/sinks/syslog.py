"""Syslog (RFC 5424) over UDP, TCP or TLS, with the alert as ECS JSON or as CEF.

::

    sinks:
      - {type: syslog, host: siem.example.org, protocol: tls, ca_file: ca.pem, body: ecs}

Over TCP and TLS a message is framed by its length (RFC 6587 octet counting, RFC 5425). Syslog knows no receipt: over
TCP and TLS the other side's closing after ours is taken as one where it comes, its breaking off as a failure; over UDP
a message can be lost without a trace, so use it only where nothing else is spoken.

Reference: https://www.rfc-editor.org/rfc/rfc5424
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from detector.events.instants import to_datetime
from detector.findings.alert import Alert, Severity
from detector.outward import (
    ATTEMPT_S,
    Deadline,
    Endpoint,
    Options,
    Outcome,
    Result,
    Sink,
    addresses_of,
    connect,
    tls_context,
)
from detector.outward.wording import as_json, cef, ecs

_PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
_SEVERITIES = {Severity.INFO: 6, Severity.LOW: 5, Severity.MEDIUM: 4, Severity.HIGH: 3, Severity.CRITICAL: 2}
_LOCAL0 = 16
_CLOSING_S = 1.0
_BOM = b"\xef\xbb\xbf"


class SyslogOptions(Options):
    """Options of ``syslog``.

    Attributes:
        host: of the collector, a name or an address.
        port: 514 (UDP), 601 (TCP) or 6514 (TLS) where it is not given.
        protocol: ``udp``, ``tcp`` or ``tls``.
        body: ``ecs`` or ``cef``.
        facility: 0 to 23, 16 is ``local0``.
        hostname: of this host, as the messages say it.
        ca_file: authorities to trust instead of the system's.
        allow_private: private addresses may be called; collectors mostly have one.
    """

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    protocol: Literal["udp", "tcp", "tls"] = "tls"
    body: Literal["ecs", "cef"] = "ecs"
    facility: Annotated[int, Field(ge=0, le=23)] = _LOCAL0
    hostname: Annotated[str, Field(pattern=r"^[!-~]{0,255}$")] = ""
    ca_file: Path | None = None
    allow_private: bool = True


def message(alert: Alert, options: SyslogOptions) -> bytes:
    """An alert as one syslog message, without framing."""
    priority = options.facility * 8 + _SEVERITIES[alert.severity]
    stamp = to_datetime(alert.at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    host = options.hostname or socket.gethostname() or "-"
    header = f"<{priority}>1 {stamp} {host[:255]} shadowit - {alert.kind} - "
    return (
        header.encode("ascii", "replace")
        + _BOM
        + (cef(alert).encode() if options.body == "cef" else as_json(ecs(alert)))
    )


def deliver(alert: Alert, options: SyslogOptions, now: int) -> Outcome:  # noqa: ARG001 - carries the alert's own time
    """Send one message."""
    port = options.port or _PORTS[options.protocol]
    endpoint = Endpoint(options.host, port, options.allow_private)
    deadline = Deadline(ATTEMPT_S)
    sent = message(alert, options)
    where = f"{options.protocol}://{options.host}:{port}"
    if options.protocol == "udp":
        _send_datagram(sent, endpoint, deadline)
        return Outcome(Result.DELIVERED, f"sent to {where}, which gives no receipt")
    with connect(endpoint, deadline) as wire:
        if options.protocol == "tls":
            wire.secure(tls_context(options.ca_file), options.host)
        wire.send(b"%d %b" % (len(sent), sent))
        is_taken = wire.is_taken(min(_CLOSING_S, deadline.left_s()))
    return Outcome(Result.DELIVERED, f"sent to {where}" + ("" if is_taken else ", which gave no receipt"))


def _send_datagram(sent: bytes, endpoint: Endpoint, deadline: Deadline) -> None:
    address = addresses_of(endpoint, deadline)[0]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.settimeout(deadline.left_s())
        connection.connect((address, endpoint.port))
        connection.send(sent)


SINK = Sink(type="syslog", options=SyslogOptions, deliver=deliver)
