r"""Google Workspace activity (Reports API, also as exported by GAM and log shippers): OAuth grants, logins, Gmail.

One activity a line; the API's answer ``{"kind":"admin#reports#activities","items":[…]}`` is laid out so:

- ``id.time`` UTC, ``id.applicationName`` token, login, saml, gmail, drive, admin …
- ``actor.email`` who did it, ``ipAddress`` from where
- ``events`` a list of ``type``, ``name`` and ``parameters`` (``name`` and ``value``, ``multiValue``, ``boolValue``,
  ``intValue``, ``messageValue`` …); shippers write one activity per event, with ``name`` and ``parameters`` (an
  object) at the top

An OAuth grant (``token``, ``authorize``) names the application and its client id: an account was opened with the
organisation's identity. ``activity`` is an API call of an application, ``revoke`` ends a grant; the event's name stands
in ``event.action``. ``saml`` names the application that was signed in to. ``gmail`` is mail, see the format
``google_gmail_bigquery``.
Of an activity with several events the first counts, a grant before all others.

CSV of the admin console ("OAuth log events"): ``Date,Event,Actor,App name,App ID,IP address,…``, columns by name.

``{"kind":"admin#reports#activity","id":{"time":"2020-02-27T10:00:00.123Z","applicationName":"token"},"actor":{…},…}``
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Layout, LogFormat, Zone
from detector.grammars import csvexport, gmail, moments, records, rendering, values, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_PREFERRED = ("authorize", "request", "login_success")
_ACTIONS = {
    "authorize": Action.ALLOWED, "activity": Action.ALLOWED, "login_success": Action.ALLOWED,
    "login_failure": Action.DENIED, "login_verification_failure": Action.DENIED, "reject": Action.DENIED,
    "saml_login_failure": Action.DENIED, "saml_login_success": Action.ALLOWED,
}  # fmt: skip
_VALUES = ("value", "boolValue", "intValue", "multiValue", "multiIntValue", "multiBoolValue", "multiStrValue")
_CSV = ("date", "event", "actor", "appname", "appid", "clientid", "ipaddress")
_CSV_EVENTS = {"grant": "authorize", "authoriz": "authorize", "revo": "revoke", "api call": "activity", "den": "reject"}
"""What the console calls the events of the API."""
_DEPTH = 8


_TABLE = records.table(
    {
        Col.USER: "user",
        Col.SOURCE_IP: "ip",
        Col.ACTIVITY: "name",
        Col.APPLICATION: "application",
        Col.CLIENT_ID: "client",
    },
    when=moments.stamp("time"),
    verdict=verdicts.told("name", _ACTIONS.get),
    readers={Col.SOURCE_IP: values.address},
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One activity to one event."""
    if not line or line.isspace():
        return None
    if dialect.columns and line[:1] != "{":
        return _of_csv(
            dict(zip(dialect.columns, csvexport.cells(line, dialect.separator or ","), strict=False)), dialect
        )
    record = records.record(line)
    identity, event, parameters = _activity(record)
    if _is_mail(identity, parameters):
        row = gmail.MAILS.row({**parameters, "id": identity}, dialect)
        return {**row, Col.KIND: Kind.MAIL.value}
    return _TABLE.row(_cells(record, identity, event, parameters), dialect)


def _record(line: str, dialect: Dialect) -> Cells | None:
    """What an activity says that is no mail; mails, and lines of a download, are read one by one."""
    if dialect.columns and line[:1] != "{":
        return None
    record = records.record(line)
    identity, event, parameters = _activity(record)
    return None if _is_mail(identity, parameters) else _cells(record, identity, event, parameters)


_READER = Reader(_record, _TABLE)


def _activity(record: Mapping[str, object]) -> tuple[Cells, Cells, Cells]:
    """The identity of an activity, its event and the event's parameters."""
    identity = record.get("id")
    if (
        not isinstance(identity, dict)
        or not isinstance(identity.get("applicationName"), str)
        or not ("events" in record or "name" in record)
    ):
        raise RefusedLine("no activity of Google Workspace")
    event = _event(record)
    return identity, event, _parameters(event.get("parameters"), 0)


def _is_mail(identity: Cells, parameters: Cells) -> bool:
    return identity["applicationName"] == "gmail" and "message_info" in parameters


def _cells(record: Cells, identity: Cells, event: Cells, parameters: Cells) -> Cells:
    actor = record.get("actor")
    return {
        "time": identity.get("time") or record.get("p_event_time"),
        "user": actor.get("email") if isinstance(actor, dict) else None,
        "ip": record.get("ipAddress"),
        "name": event.get("name"),
        "application": _first(parameters, "app_name", "application_name", "APP_NAME", "api_name"),
        "client": _first(parameters, "client_id", "OAUTH2_APP_ID", "oauth2_app_id"),
    }


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The activity's time; of mail Gmail's own."""
    return moments.at_of(parse(line, dialect))


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The names of the header of a download."""
    found = None if "@" in line or line.lstrip()[:1] == "{" else csvexport.columns(line, _CSV, 4)
    if found is None or not {"event", "actor", "appname"} <= set(found[0]):
        return None
    return replace(dialect, columns=found[0], separator=found[1])


def example(row: Row) -> str:
    """A grant, or a mail."""
    is_mail = row.get(Col.KIND) == Kind.MAIL or Col.SENDER in row
    event = _example_of_mail(row) if is_mail else _example_of_grant(row)
    record = {
        "kind": "admin#reports#activity",
        "id": {
            "time": rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.%fZ"),
            "uniqueQualifier": "4242",
            "applicationName": "gmail" if is_mail else "token",
        },
        "actor": {"email": row.get(Col.USER, "u1042@example.org")},
        "ipAddress": row.get(Col.SOURCE_IP, "192.0.2.1"),
        "events": [event],
    }
    return orjson.dumps(record).decode()


def _example_of_grant(row: Row) -> dict[str, object]:
    parameters = [
        {"name": "client_id", "value": row.get(Col.CLIENT_ID, "4242.apps.googleusercontent.com")},
        {"name": "app_name", "value": row.get(Col.APPLICATION, "Example")},
    ]
    return {"type": "auth", "name": row.get(Col.ACTIVITY, "authorize"), "parameters": parameters}


def _example_of_mail(row: Row) -> dict[str, object]:
    def message(name: str, **cells: object) -> dict[str, object]:
        return {"name": name, "messageValue": {"parameter": [_parameter(key, cell) for key, cell in cells.items()]}}

    def _parameter(key: str, cell: object) -> dict[str, object]:
        return cell if isinstance(cell, dict) else {"name": key, "value": str(cell)}

    to = row.get(Col.TO)
    source = message(
        "source",
        address=row.get(Col.SENDER) or row.get(Col.FROM) or "",
        from_header_address=row.get(Col.FROM, ""),
        service="gmail-ui" if row.get(Col.DIRECTION) == "outbound" else "smtp-inbound",
    )
    destination = {
        "name": "destination",
        "multiMessageValue": [
            {"parameter": [{"name": "address", "value": one}]} for one in (to if isinstance(to, list) else [])
        ],
    }
    info = message(
        "message_info",
        source=source,
        destination=destination,
        subject=row.get(Col.SUBJECT, ""),
        rfc2822_message_id=f"<{row.get(Col.MESSAGE_ID, '')}>",
        connection_info=message("connection_info", client_ip=row.get(Col.SOURCE_IP, "")),
    )
    success = str(row.get(Col.ACTION) != Action.DENIED).lower()
    when = message("event_info", timestamp_usec=moments.at_of(row) or 0, success=success)
    return {"type": "mail", "name": "delivery", "parameters": [when, info]}


def _of_csv(cells: Mapping[str, str], dialect: Dialect) -> Row:
    get = cells.get
    told = get("event", "").strip().lower()
    name = next((event for word, event in _CSV_EVENTS.items() if word in told), told)
    if not name or not (get("actor") or get("appname")):
        raise RefusedLine("no event of a download")
    return values.row_of(
        {
            Col.AT: csvexport.instant(get("date", ""), dialect.zone, dialect.date_order),
            Col.USER: values.user(get("actor")),
            Col.SOURCE_IP: values.address(get("ipaddress")),
            Col.ACTION: _ACTIONS.get(name),
            Col.ACTIVITY: name,
            Col.APPLICATION: values.text(get("appname")),
            Col.CLIENT_ID: values.text(get("appid") or get("clientid")),
        }
    )


def _event(record: Mapping[str, object]) -> Mapping[str, object]:
    """The event that counts; where a shipper has taken the list apart, the record itself."""
    events = record.get("events")
    found = [one for one in events if isinstance(one, dict)] if isinstance(events, list) else []
    if isinstance(events, dict):
        return events
    return next((one for one in found if one.get("name") in _PREFERRED), found[0] if found else record)


def _parameters(cell: object, depth: int) -> dict[str, object]:
    """Parameters by name; messages inside them become objects."""
    if isinstance(cell, dict):
        return cell
    found: dict[str, object] = {}
    for one in cell if isinstance(cell, list) and depth < _DEPTH else ():
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            continue
        value = one["value"] if "value" in one else next((one[name] for name in _VALUES if name in one), None)
        inner, several = one.get("messageValue"), one.get("multiMessageValue")
        if isinstance(inner, dict):
            value = _parameters(inner.get("parameter"), depth + 1)
        elif isinstance(several, list):
            value = [_parameters(member.get("parameter"), depth + 1) for member in several if isinstance(member, dict)]
        found[one["name"]] = value
    return found


def _first(parameters: Mapping[str, object], *names: str) -> str | None:
    for name in names:
        if text := records.text_of(parameters.get(name)):
            return text
    return None


FORMAT = LogFormat(
    name="google_workspace_activity",
    kind=Kind.LOGIN,
    title="Google Workspace activity (Reports API: OAuth grants, logins, Gmail)",
    reference="unverified: https://developers.google.com/workspace/admin/reports/v1/appendix/activity/token",
    parse=parse,
    timestamp=timestamp,
    block=_READER.block,
    example=example,
    columns=gmail.MAILS.columns | {Col.KIND, Col.USER, Col.SOURCE_IP, Col.ACTIVITY, Col.APPLICATION, Col.CLIENT_ID},
    zone=Zone.UTC,
    head=head,
    head_literals=(b"App name", b"App Name"),
    layout=Layout.JSON,
    encoded=(b"\\u",),
)
