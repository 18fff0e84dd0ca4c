r"""Microsoft Defender for Cloud Apps (MCAS), SIEM agent: activities and alerts as CEF.

``CEF:0|MCAS|SIEM_Agent|<version>|<event>|<name>|<severity>|key=value …``, behind a syslog header or without one:

- the event's id, such as ``EVENT_CATEGORY_LOGIN``, stands in ``event.action``
- ``start`` (``rt``, ``end``) milliseconds since the epoch, also seconds
- ``suser`` the account; ``dvc`` (``c6a1`` for IPv6) the address it came from
- ``destinationServiceName`` the cloud application that was used, ``requestClientApplication`` the user agent
- ``EVENT_CATEGORY_LOGIN`` says that the login went well, ``EVENT_CATEGORY_FAILED_LOGIN`` that it did not

``CEF:0|MCAS|SIEM_Agent|0.97.33|EVENT_CATEGORY_LOGIN|Log on|0|externalId=… start=1582797600123 …``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import cef, moments, records, rendering, shapes, values
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells


def _verdict(cells: Cells) -> Action | None:
    """Of an attempt to log in."""
    event = str(cells["event id"])
    if "LOGIN" not in event and not event.endswith("_LOGON"):
        return None
    return Action.DENIED if "FAIL" in event else Action.ALLOWED


_TABLE = records.table(
    {
        Col.SOURCE_IP: "c6a1 dvc src",
        Col.USER: "suser",
        Col.APPLICATION: "destinationServiceName",
        Col.USER_AGENT: "requestClientApplication",
    },
    when=moments.stamp("start rt end"),
    verdict=_verdict,
    derived={Col.ACTIVITY: lambda cells: str(cells["event id"])},
    readers={Col.SOURCE_IP: values.address, Col.APPLICATION: values.text},
)


def _record(line: str, _dialect: Dialect) -> Cells:
    """The extension of an activity or alert, and its event id, whose name no extension can hold."""
    message = cef.find(line)
    if message is None or (message.vendor, message.product) != ("MCAS", "SIEM_Agent"):
        raise RefusedLine("not a message of the SIEM agent")
    return {**message.fields, "event id": message.event}


_READER = Reader(_record, _TABLE, Layouts((shapes.cef_message,)))


def example(row: Row) -> str:
    """A login."""
    event = "EVENT_CATEGORY_FAILED_LOGIN" if row.get(Col.ACTION) == Action.DENIED else "EVENT_CATEGORY_LOGIN"
    cells = {
        "externalId": "4242",
        "start": str((moments.at_of(row) or 0) // 1000),
        "msg": "Log on",
        "suser": str(row.get(Col.USER, "")),
        "destinationServiceName": str(row.get(Col.APPLICATION, "Example")),
        "dvc": str(row.get(Col.SOURCE_IP, "")),
        "requestClientApplication": str(row.get(Col.USER_AGENT, "Mozilla/5.0")),
        "cs1Label": "portalURL",
        "cs1": f"https://example.portal.cloudappsecurity.com/#/audits?t={rendering.seconds(row)}",
    }
    return cef.join(f"MCAS|SIEM_Agent|0.97.33|{row.get(Col.ACTIVITY, event)}|Log on|0", cells)


FORMAT = LogFormat(
    name="microsoft_mcas",
    kind=Kind.LOGIN,
    title="Microsoft Defender for Cloud Apps (SIEM agent, CEF)",
    reference="unverified: https://learn.microsoft.com/en-us/defender-cloud-apps/siem",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns | {Col.ACTION, Col.ACTIVITY},
    zone=Zone.UTC,
)
