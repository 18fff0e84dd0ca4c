"""The policy file format, version 1: what ``policy.yml`` may hold.

``shadowit schema policy`` prints it as JSON Schema. A day alone begins at midnight of the file's ``timezone``; where an
approval or a mute ends with a day, that day is its last one, as in the staff list.
"""

from __future__ import annotations

import datetime as dt
import re
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.functional_validators import AfterValidator, BeforeValidator

from detector.events import Stage
from detector.policy.decisions import Duty
from detector.policy.words import Status


class Strict(BaseModel):
    """A frozen part of the file in which an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _moment(value: str) -> str:
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no time: write 2020-02-27 or 2020-02-27T17:00:00-07:00") from None
    if not _DATE.fullmatch(value) and moment.tzinfo is None:
        raise ValueError(f"{value!r} has no zone: write 2020-02-27T17:00:00-07:00, or only the day")
    return value


def _instant(value: str) -> str:
    if _DATE.fullmatch(_moment(value)):
        raise ValueError(f"{value!r} is a day: an order needs its instant with a zone, as 2020-02-27T17:00:00-07:00")
    return value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise ValueError(f"{name!r} is no time zone: write one like America/Edmonton or UTC") from None
    return name


def _ladder(stage: Stage) -> Stage:
    if not stage.rung:
        raise ValueError(f"{stage.value} stands beside the ladder: write one of resolved to uploaded")
    return stage


def _name(value: str) -> str:
    if "*" in value:
        raise ValueError(f"{value!r} holds *: name units, people and hosts, a pattern approves or binds anybody")
    return value.lower()


def _device(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        return value.partition(".")[0]


def _several(value: Any) -> Any:  # what pydantic has not checked yet
    return [value] if isinstance(value, str) else value


def _status(value: Any) -> Any:  # as above
    return {"status": value} if isinstance(value, str) else value


Moment = Annotated[str, AfterValidator(_moment)]
Instant = Annotated[str, AfterValidator(_instant)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=64)]
Category = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(?:/[a-z0-9-]+)?$")]
Name = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), AfterValidator(_name)]
Names = Annotated[list[Name], BeforeValidator(_several, json_schema_input_type=list[Name] | Name)]
Device = Annotated[Name, AfterValidator(_device)]
Devices = Annotated[list[Device], BeforeValidator(_several, json_schema_input_type=list[Device] | Device)]
Texts = Annotated[list[Text], BeforeValidator(_several, json_schema_input_type=list[Text] | Text)]
Slugs = Annotated[list[Slug], BeforeValidator(_several, json_schema_input_type=list[Slug] | Slug)]


class Service(Strict):
    """What was decided about one service, and what a register of technologies says about it.

    Attributes:
        status: ``unreviewed``, ``under-review``, ``approved`` (for everybody), ``restricted`` (within approvals only)
            or ``prohibited`` (only within an approval that names the service).
        since: when the decision began to count; empty: it always did.
        purpose: what it is used for.
        information: what it collects.
        mitigations: what limits the risk.
        assessment: reference of the assessment.
        owner: who answers for it.
        retention: how long information is kept.
    """

    status: Status
    since: Moment | None = None
    purpose: str = ""
    information: Texts = []
    mitigations: Texts = []
    assessment: str = ""
    owner: str = ""
    retention: str = ""


class Members(Strict):
    """People and devices: by unit or by person, and, where devices are named too, on one of them.

    Attributes:
        units: organisational units, as the directory names them.
        people: person ids, accounts, mail addresses.
        hosts: devices, by address, or by name, of which the first label counts; a name is known where logs of leases
            are read.
    """

    units: Names = []
    people: Names = []
    hosts: Devices = []

    @property
    def is_nobody(self) -> bool:
        """Whether nobody and nothing is named."""
        return not (self.units or self.people or self.hosts)


class Approval(Members):
    """Somebody may use something for a time.

    Attributes:
        id: unique in the file.
        services: ids of services.
        category: or a category with everything below it.
        units: who: organisational units.
        people: who: person ids, accounts, mail addresses.
        hosts: on which devices.
        purposes: what for.
        needs_reference: each use needs the reference of a case.
        max_stage: the highest stage that is allowed.
        given: when it was given; empty: ``valid_from``. It covers nothing that was before.
        valid_from: when it begins.
        valid_until: its last day, or the instant at which it ends or was revoked.
        reference: of the document.
        approver: who gave it.
        statement: what may be said about it.
    """

    id: Slug
    services: Slugs = []
    category: Category | None = None
    purposes: Texts = []
    needs_reference: bool = False
    max_stage: Annotated[Stage, AfterValidator(_ladder)] | None = None
    given: Moment | None = None
    valid_from: Moment
    valid_until: Moment
    reference: str = ""
    approver: str = ""
    statement: Text

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.is_nobody:
            raise ValueError("approves everybody: name units, people or hosts (or give the service a status)")
        _one_scope(self.services, self.category)
        return self


class Order(Strict):
    """Use has to cease.

    Attributes:
        id: unique in the file.
        services: ids of services.
        category: or a category with everything below it.
        effective: when it was given, with its zone.
        grace_h: hours behind it in which use is no breach.
        lifted: when it ceased to count; empty: it stands.
        addressees: ``units`` and ``people`` that it binds; empty: everybody.
        duties: ``stop``, ``delete_account``, ``notify``.
        reference: of the document.
        statement: what may be said about it.
    """

    id: Slug
    services: Slugs = []
    category: Category | None = None
    effective: Instant
    grace_h: Annotated[float, Field(ge=0, le=24 * 366)] = 0
    lifted: Moment | None = None
    addressees: Members = Members()
    duties: Annotated[list[Duty], Field(min_length=1)] = [Duty.STOP]
    reference: str = ""
    statement: str = ""

    @model_validator(mode="after")
    def _limited(self) -> Self:
        _one_scope(self.services, self.category)
        return self


class Observer(Members):
    """Whose events are no use: security staff, sandboxes, mail gateways.

    Attributes:
        units: organisational units.
        people: person ids, accounts, mail addresses.
        hosts: devices, by name or address.
        reason: why.
    """

    reason: Text

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.is_nobody:
            raise ValueError("names nobody: write units, people or hosts")
        return self


class Tenant(Strict):
    """A service whose host names name the customer: only the organisation's own may be used.

    Attributes:
        service: its id.
        domains: below which the next label is a customer.
        own: the organisation's own labels.
        common: labels that every customer uses, such as ``www``.
    """

    service: Slug
    domains: Annotated[Names, Field(min_length=1)]
    own: Annotated[Names, Field(min_length=1)]
    common: Names = []


class Mute(Strict):
    """An indicator that is known to be wrong here for a time; what it leaves out is counted in every report.

    Attributes:
        indicator: its id, as reports write it.
        reason: why.
        until: its last day, or the instant from which on it counts again.
    """

    indicator: Text
    reason: Text
    until: Moment


class PolicyFile(Strict):
    """One organisation's decisions: ``policy.yml``.

    Attributes:
        version: of this format.
        timezone: of days without a time.
        defaults: category → status of the services in it that have none of their own.
        services: service id → its status, or its status with what a register says about it.
        approvals: who may use what, for a time.
        orders: what use has to cease.
        observers: whose events are no use.
        tenants: services whose host names name the customer.
        mutes: indicators that are known to be wrong here.
    """

    version: Literal["1"]
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    defaults: dict[Category, Status] = {}
    services: dict[Slug, Annotated[Service, BeforeValidator(_status, json_schema_input_type=Status | Service)]] = {}
    approvals: list[Approval] = []
    orders: list[Order] = []
    observers: list[Observer] = []
    tenants: list[Tenant] = []
    mutes: list[Mute] = []


PARTS = (PolicyFile, Service, Members, Approval, Order, Observer, Tenant, Mute)
"""Every part of the file."""


def _one_scope(services: list[str], category: str | None) -> None:
    if bool(services) == bool(category):
        raise ValueError("needs services or a category, one of the two")
