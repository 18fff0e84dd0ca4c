"""Layouts of mail systems: Postfix, Exchange message tracking, Microsoft 365 message trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from storyline.clock import SECOND, moment
from storyline.events import Mail, dice_of, server_of
from storyline.layout import Layout, Line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

_TRACKED = (
    "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,"
    "internal-message-id,message-id,network-message-id,recipient-address,recipient-status,total-bytes,recipient-count,"
    "related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality,"
    "tenant-id,original-client-ip,original-server-ip,custom-data,transport-traffic-type,log-id,schema-version"
)
_TRACED = '"MessageId","Received","SenderAddress","RecipientAddress","Subject","Status","ToIP","FromIP","Size"'
_RELAY = "mail.service.example[10.20.1.25]"

Step: TypeAlias = tuple[int, str, str]
"""Milliseconds after arrival, program, text."""


def postfix_lines(mail: Mail) -> Iterator[Line]:
    """All lines of one queue id; header_checks tell the subject, and the author where he is not the sender."""
    dice = dice_of(mail)
    queue_id = f"{dice.randrange(2**40):010X}"
    written = [*_arrival(mail, dice), *_verdict(mail), _queued(mail, dice)]
    for recipient in mail.recipients:
        written += _tries(mail, recipient)
    written.append((mail.waited, "postfix/qmgr[811]", "removed"))
    for later, program, text in written:
        when = moment(mail.at + later)
        yield mail.at + later, f"{when:%b} {when.day:2d} {when:%H:%M:%S} mx1 {program}: {queue_id}: {text}"


def exchange_lines(mail: Mail) -> Iterator[Line]:
    """What the transport service does with one mail: every step has a line, the mail is one."""
    common = _tracked(mail)
    for later, source, event, recipients, status in _steps(mail):
        instant = mail.at + later
        cells = {
            **common,
            "date-time": f"{moment(instant):%Y-%m-%dT%H:%M:%S}.{instant % SECOND:03d}Z",
            "source": source,
            "event-id": event,
            "recipient-address": recipients,
            "recipient-status": status,
        }
        yield instant, ",".join(_quoted(cells.get(name, "")) for name in _TRACKED.split(","))


def exchange_header(start: int) -> list[str]:
    """The head of a ``MSGTRK`` file."""
    return [
        "#Software: Microsoft Exchange Server",
        "#Version: 15.01.1847.003",
        "#Log-type: Message Tracking Log",
        f"#Date: {moment(start):%Y-%m-%dT%H:%M:%S}.000Z",
        f"#Fields: {_TRACKED}",
    ]


def trace_lines(mail: Mail) -> Iterator[Line]:
    """``Get-MessageTrace | Export-Csv``: one row a recipient."""
    dice = dice_of(mail)
    message_id, size = _message_id(mail, dice), dice.randrange(5000, 70_000)
    status = {"delivered": "Delivered", "quarantined": "Quarantined", "spam": "FilteredAsSpam"}[mail.status]
    client = "" if mail.outbound or mail.is_internal else server_of(mail.sender.rpartition("@")[2])
    for recipient in mail.recipients:
        cells = (message_id, f"{moment(mail.at):%Y-%m-%dT%H:%M:%S}", mail.sender, recipient, mail.subject, status, "")
        quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
        yield mail.at, f'{quoted},"{client}","{size}"'


def trace_header(_start: int) -> list[str]:
    """The names of the columns."""
    return [_TRACED]


def _arrival(mail: Mail, dice: Random) -> Iterator[Step]:
    host = mail.sender.rpartition("@")[2]
    client = _RELAY if mail.outbound or mail.is_internal else f"mta{dice.randrange(1, 5)}.{host}[{server_of(host)}]"
    envelope = f"from=<{mail.sender}> to=<{mail.recipients[0]}> proto=ESMTP helo=<{client.partition('[')[0]}>"
    yield 0, f"postfix/smtpd[{dice.randrange(4000, 4020)}]", f"client={client}"
    yield 0, "postfix/cleanup[4031]", f"message-id={_message_id(mail, dice)}"
    yield 0, "postfix/cleanup[4031]", f"warning: header Subject: {mail.subject} from {client}; {envelope}"
    if mail.author:
        yield 0, "postfix/cleanup[4031]", f"warning: header From: {mail.author} from {client}; {envelope}"


def _verdict(mail: Mail) -> Iterator[Step]:
    """What opendkim and opendmarc say of the author's domain."""
    if mail.verdict:
        domain = (mail.author or mail.sender).rpartition("@")[2].rstrip(">")
        yield 0, "opendkim[901]", f"s=s1 d={domain} SSL " if mail.verdict == "pass" else "no signature data"
        yield 0, "opendmarc[902]", f"{domain} {mail.verdict}"


def _queued(mail: Mail, dice: Random) -> Step:
    size = dice.randrange(3000, 60_000)
    return 0, "postfix/qmgr[811]", f"from=<{mail.sender}>, size={size}, nrcpt={len(mail.recipients)} (queue active)"


def _tries(mail: Mail, recipient: str) -> Iterator[Step]:
    host = recipient.rpartition("@")[2]
    relay = f"mx.{host}[{server_of(host)}]:25" if mail.outbound else f"{_RELAY}:25"
    head = f"to=<{recipient}>, relay={relay}"
    if mail.waited:
        said = "(host said: 451 4.7.1 try again later)"
        yield 0, "postfix/smtp[4044]", f"{head}, delay=0.6, delays=0.1/0/0.1/0.4, dsn=4.7.1, status=deferred {said}"
    delay = mail.waited // SECOND + 0.8
    said = "(250 2.6.0 Queued mail for delivery)"
    yield (
        mail.waited,
        "postfix/smtp[4044]",
        f"{head}, delay={delay}, delays=0.3/0/0.1/0.4, dsn=2.6.0, status=sent {said}",
    )


def _message_id(mail: Mail, dice: Random) -> str:
    return f"<{mail.at // SECOND}.{dice.randrange(2**32):08x}@{mail.sender.rpartition('@')[2]}>"


def _tracked(mail: Mail) -> dict[str, str]:
    """What all lines of a mail have in common."""
    dice, is_own = dice_of(mail), mail.outbound or mail.is_internal
    numbers = dice.randrange(2**32), dice.randrange(2**16), dice.randrange(2**32)
    return {
        "internal-message-id": str(dice.randrange(10**13, 10**14)),
        "message-id": _message_id(mail, dice),
        "network-message-id": "{:08x}-7c1d-4e0b-{:04x}-08d7{:08x}".format(*numbers),
        "total-bytes": str(dice.randrange(5000, 70_000)),
        "recipient-count": str(len(mail.recipients)),
        "message-subject": mail.subject,
        "sender-address": mail.author or mail.sender,
        "return-path": mail.sender,
        "directionality": "Originating" if is_own else "Incoming",
        "original-client-ip": "10.40.1.25" if is_own else server_of(mail.sender.rpartition("@")[2]),
        "client-hostname": "ex-east",
        "server-ip": "10.40.1.25",
        "server-hostname": "ex-east",
        "transport-traffic-type": "Email",
        "schema-version": "15.01.1847.003",
    }


def _steps(mail: Mail) -> Iterator[tuple[int, str, str, str, str]]:
    """Milliseconds after arrival, source, event-id, recipients, their status."""
    everybody = ";".join(mail.recipients)
    if mail.status != "delivered":
        yield 0, "AGENT", "FAIL", everybody, "550 5.2.1 Content Filter agent quarantined this message"
    elif mail.outbound:
        yield 0, "STOREDRIVER", "RECEIVE", everybody, ""
        yield 2_140, "SMTP", "SEND", everybody, "250 2.1.5 Recipient OK"
    else:
        yield 0, "STOREDRIVER" if mail.is_internal else "SMTP", "RECEIVE", everybody, ""
        for recipient in mail.recipients:
            yield 1_310, "STOREDRIVER", "DELIVER", recipient, ""


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if "," in cell or '"' in cell else cell


POSTFIX = Layout(postfix_lines, precision=SECOND, at_delivery=True)
EXCHANGE = Layout(exchange_lines, header=exchange_header, end="\r\n", mark=b"\xef\xbb\xbf")
MESSAGE_TRACE = Layout(trace_lines, header=trace_header, precision=SECOND, end="\r\n")
