r"""Microsoft 365 unified audit log: JSON of the Management Activity API and of shippers, CSV of Purview's export.

One record a line; keys in any case (``CreationTime``, ``creationtime``). CSV rows hold the record in ``AuditData``.

- ``CreationTime`` UTC without ``Z``; ``UserId`` the account; ``ClientIP`` (``ClientIPAddress``, ``ActorIpAddress``),
  also with a port
- ``Operation`` stands in ``event.action``; ``ResultStatus`` True, Success, Succeeded or False, Failed
- ``Consent to application.``, ``Add OAuth2PermissionGrant.``, ``Add service principal.``, ``UserLoggedIn`` (Entra ID):
  ``Target`` names the application (``Type`` 1) and its client id (``Type`` 4, else the last GUID of ``Type`` 2, or
  ``ApplicationId``, ``AppId``)
- ``Send``, ``SendAs``, ``SendOnBehalf`` (Exchange) are mail: ``Item.Subject``, ``Item.InternetMessageId``; recipients
  are not logged
- ``TIMailData`` (Defender for Office 365) is a mail that was judged: ``P1Sender`` the envelope's, ``P2Sender`` the
  header's sender, ``Recipients``, ``SenderIp``, ``Directionality``; ``DeliveryAction`` Blocked is refused
- ``Set-Mailbox``, ``New-InboxRule``, ``Set-InboxRule`` with a forwarding address are mail from the mailbox to it: from
  then on all of its mail goes there

``{"CreationTime":"2020-02-27T10:00:00","Operation":"Consent to application.","UserId":"u1042@example.org",…}``
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Layout, LogFormat, Zone
from detector.grammars import csvexport, mail, mailtable, moments, records, rendering, values, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row, Value
    from detector.grammars.records import Cells

_SENDS = frozenset({"send", "sendas", "sendonbehalf"})
_FORWARDS = frozenset(
    {"forwardingsmtpaddress", "forwardto", "redirectto", "forwardasattachmentto", "forwardingaddress"}
)
_NAME, _OTHER, _PRINCIPAL = 1, 2, 4
"""Types of an audit target."""
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


_DELIVERY = verdicts.verdict("deliveryaction", denied="block", allowed="deliver junk replace")
_DIRECTION = mailtable.word("directionality", mailtable.DIRECTIONS)


def _user(text: str) -> str | None:
    return values.user(text.replace("Not Available", ""))


_TABLE = records.table(
    {
        Col.SOURCE_IP: "clientip clientipaddress actoripaddress",
        Col.USER: "userid",
        Col.ACTIVITY: "operation",
        Col.APPLICATION: "the~application",
        Col.CLIENT_ID: "the~client",
    },
    when=moments.stamp("creationtime"),
    verdict=verdicts.verdict("resultstatus", denied="false fail", allowed="true succ partiallysucc"),
    readers={Col.USER: _user},
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One record to one event."""
    if not line or line.isspace():
        return None
    cells = _cells(line, dialect)
    if (sent := _mail(cells)) is None:
        return _TABLE.row(cells | _application(cells), dialect)
    row = {**_TABLE.row(cells, dialect), **sent}
    return values.row_of(row)


def _record(line: str, dialect: Dialect) -> Cells | None:
    """What a record says that is of no mail; mails are read one by one."""
    cells = _cells(line, dialect)
    return cells | _application(cells) if _mail(cells) is None else None


_READER = Reader(_record, _TABLE)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The record's own time."""
    return moments.at_of(parse(line, dialect))


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The names of a CSV export's header."""
    found = None if line.lstrip()[:1] == "{" or "@" in line else csvexport.columns(line, ("auditdata",), 1)
    return None if found is None else replace(dialect, columns=found[0], separator=found[1])


def example(row: Row) -> str:
    """A consent, a rule that forwards mail, or a mail that came in."""
    record: dict[str, object] = {
        "CreationTime": rendering.written_at(row, "%Y-%m-%dT%H:%M:%S"),
        "UserId": row.get(Col.USER) or row.get(Col.FROM) or "u1042@example.org",
        "ClientIP": row.get(Col.SOURCE_IP, ""),
        "ResultStatus": "Failed" if row.get(Col.ACTION) == Action.DENIED else "Success",
    }
    to = row.get(Col.TO)
    if row.get(Col.KIND) == Kind.MAIL and row.get(Col.DIRECTION) == "inbound":
        more: dict[str, object] = {"Workload": "ThreatIntelligence", "Operation": "TIMailData"}
        more |= {"UserId": "ThreatIntel", "SenderIp": row.get(Col.SOURCE_IP, ""), "Directionality": "Inbound"}
        more |= {"P1Sender": row.get(Col.SENDER, ""), "P2Sender": row.get(Col.FROM, ""), "Recipients": to or []}
        more |= {"Subject": row.get(Col.SUBJECT, ""), "InternetMessageId": f"<{row.get(Col.MESSAGE_ID, '')}>"}
        more["DeliveryAction"] = "Blocked" if row.get(Col.ACTION) == Action.DENIED else "Delivered"
    elif row.get(Col.KIND) == Kind.MAIL:
        rule = [
            {"Name": "Identity", "Value": row.get(Col.FROM, "")},
            {"Name": "ForwardTo", "Value": ";".join(to) if isinstance(to, list) else ""},
        ]
        more = {"Workload": "Exchange", "Operation": "New-InboxRule", "Parameters": rule}
    else:
        target = [
            {"ID": row.get(Col.APPLICATION, "Example"), "Type": _NAME},
            {"ID": row.get(Col.CLIENT_ID, ""), "Type": _PRINCIPAL},
        ]
        operation = row.get(Col.ACTIVITY, "Consent to application.")
        more = {"Workload": "AzureActiveDirectory", "Operation": operation, "Target": target}
    return orjson.dumps({**record, **more}).decode()


def _cells(line: str, dialect: Dialect) -> dict[str, object]:
    if dialect.columns and line[:1] != "{":
        found = dict(zip(dialect.columns, csvexport.cells(line, dialect.separator or ","), strict=False))
        line = found.get("auditdata", "")
    cells = {name.lower(): cell for name, cell in records.record(line).items()}
    if not records.text_of(cells.get("operation")) or not ("workload" in cells or "recordtype" in cells):
        raise RefusedLine("no record of the unified audit log")
    return cells


def _mail(cells: Cells) -> dict[Col, Value | None] | None:
    """A mail that was sent or judged, or a rule by which mail is forwarded."""
    if "p1sender" in cells or "p2sender" in cells:
        return _judged(cells)
    user = _user(records.text_of(cells.get("userid"))) or ""
    if records.text_of(cells.get("operation")).lower() in _SENDS:
        item = cells.get("item")
        inner = {name.lower(): cell for name, cell in item.items()} if isinstance(item, dict) else {}
        return {
            Col.KIND: Kind.MAIL.value,
            Col.FROM: mail.address(user),
            Col.SUBJECT: mail.decode_subject(records.text_of(inner.get("subject"))),
            Col.MESSAGE_ID: mailtable.message_id(records.text_of(inner.get("internetmessageid"))),
            Col.DIRECTION: "outbound",
        }
    if not (parameters := _by_name(cells.get("parameters"), "name", "value")):
        return None
    to = [one for name, text in parameters.items() if name.lower() in _FORWARDS for one in mail.addresses(_bare(text))]
    if not to:
        return None
    owner = mail.address(parameters.get("Mailbox", "")) or mail.address(parameters.get("Identity", ""))
    sender = owner or mail.address(user)
    return {Col.KIND: Kind.MAIL.value, Col.FROM: sender, Col.TO: list(dict.fromkeys(to)), Col.DIRECTION: "outbound"}


def _judged(cells: Cells) -> dict[Col, Value | None]:
    """A mail that was judged by a service, which is its record's user."""
    to, way, action = cells.get("recipients"), _DIRECTION(cells), _DELIVERY(cells)
    return {
        Col.KIND: Kind.MAIL.value,
        Col.USER: None,
        Col.SOURCE_IP: values.address(records.text_of(cells.get("senderip"))),
        Col.SENDER: mail.address(records.text_of(cells.get("p1sender"))),
        Col.FROM: mail.address(records.text_of(cells.get("p2sender"))),
        Col.TO: mail.addresses(";".join(map(str, to)) if isinstance(to, list) else records.text_of(to)) or None,
        Col.SUBJECT: mail.decode_subject(records.text_of(cells.get("subject"))),
        Col.MESSAGE_ID: mailtable.message_id(records.text_of(cells.get("internetmessageid"))),
        Col.DIRECTION: way,
        Col.ACTION: action,
    }


def _application(cells: Cells) -> dict[str, object]:
    targets = cells.get("target")
    names: list[str] = []
    ids: list[tuple[bool, int, str]] = []
    for one in targets if isinstance(targets, list) else []:
        inner = {str(name).lower(): cell for name, cell in one.items()} if isinstance(one, dict) else {}
        kind, text = inner.get("type"), records.text_of(inner.get("id"))
        if kind == _NAME and text:
            names.append(text)
        elif kind in (_OTHER, _PRINCIPAL) and (found := _GUID.match(text)):
            ids.append((kind == _PRINCIPAL, len(ids), found[0]))
    own = next((text for name in ("applicationid", "appid") if (text := records.text_of(cells.get(name)))), None)
    return {"the application": names[0] if names else None, "the client": own or (max(ids)[2] if ids else None)}


def _by_name(cell: object, name: str, value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in cell if isinstance(cell, list) else []:
        if isinstance(one, dict):
            inner = {str(key).lower(): text for key, text in one.items()}
            found.setdefault(records.text_of(inner.get(name)), records.text_of(inner.get(value)))
    return found


def _bare(text: str) -> str:
    return text.replace("smtp:", "").replace("SMTP:", "")


FORMAT = LogFormat(
    name="m365_audit_exchange",
    kind=Kind.LOGIN,
    title="Microsoft 365 unified audit log (consents, logins, sent mail, forwarding rules; JSON and CSV)",
    reference="unverified: https://learn.microsoft.com/en-us/office/office-365-management-api/"
    "office-365-management-activity-api-schema",
    parse=parse,
    timestamp=timestamp,
    block=_READER.block,
    example=example,
    columns=frozenset({
        Col.AT, Col.KIND, Col.SOURCE_IP, Col.USER, Col.ACTION, Col.ACTIVITY, Col.APPLICATION, Col.CLIENT_ID, Col.FROM,
        Col.SENDER, Col.TO, Col.SUBJECT, Col.MESSAGE_ID, Col.DIRECTION,
    }),
    zone=Zone.UTC,
    head=head,
    head_literals=(b"AuditData",),
    layout=Layout.JSON,
    encoded=(b"\\u", b"forward", b"redirectto"),  # rules are rare: every line with one is read
)  # fmt: skip
