"""A file becomes a policy, or every fault of it at once."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from detector.errors import InvalidFile
from detector.events import MICROSECONDS
from detector.events.instants import from_datetime
from detector.policy.decisions import Approval, Entry, Group, Mute, Order, Scope, Tenant
from detector.policy.judging import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from detector.documents import Document
    from detector.errors import Problem
    from detector.policy import schema

_HOUR = 3600 * MICROSECONDS


class Loaded(NamedTuple):
    """A policy with the file that it stands in.

    Attributes:
        policy: what it says.
        document: where each part stands.
        file: the file's content.
    """

    policy: Policy
    document: Document
    file: schema.PolicyFile


def load(path: Path) -> Policy:
    """Load a policy.

    Raises:
        InvalidFile: every problem, with ``file:line:col``.
    """
    return load_with_places(path).policy


def load_with_places(path: Path) -> Loaded:
    """Load a policy, and where its parts stand.

    Raises:
        InvalidFile: every problem, with ``file:line:col``.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - slow to load, and rarely needed

    from detector import documents  # noqa: PLC0415 - as above
    from detector.policy import schema  # noqa: PLC0415 - as above

    document = documents.read(path)
    if document.problems:
        raise InvalidFile(document.problems)
    try:
        file = schema.PolicyFile.model_validate({} if document.data is None else document.data)
    except ValidationError as fault:
        keys = sorted({key for part in schema.PARTS for key in part.model_fields})
        problems = [
            document.problem(error["loc"], _sentence(error["loc"], error["type"], error["msg"], keys))
            for error in fault.errors()
        ]
        raise InvalidFile(problems) from None
    if faults := list(_across(document, file)):
        raise InvalidFile(faults)
    return Loaded(_policy(file), document, file)


def _sentence(location: Sequence[str | int], kind: str, message: str, keys: Sequence[str]) -> str:
    name = ".".join(str(step) for step in location) or "the file"
    if kind != "extra_forbidden":
        return f"{name}: {message.removeprefix('Value error, ')}"
    near = get_close_matches(str(location[-1]), keys, n=1)
    return f"{name}: no such key" + (f"; did you mean {near[0]!r}?" if near else "")


def _across(document: Document, file: schema.PolicyFile) -> Iterator[Problem]:
    """Problems that only show when parts are seen together."""
    zone = ZoneInfo(file.timezone)
    approvals = [("approvals", index, one.id) for index, one in enumerate(file.approvals)]
    orders = [("orders", index, one.id) for index, one in enumerate(file.orders)]
    seen: dict[str, str] = {}
    for part, index, name in (*approvals, *orders):
        first = seen.setdefault(name, f"{part}.{index}")
        if first != f"{part}.{index}":
            yield document.problem((part, index, "id"), f"{part}.{index}.id: {name!r} is already the id of {first}")
    for index, approval in enumerate(file.approvals):
        start = max(_at(approval.valid_from, zone), _at(approval.given or approval.valid_from, zone))
        if _end(approval.valid_until, zone) <= start:
            place = ("approvals", index, "valid_until")
            yield document.problem(place, f"approvals.{index}.valid_until: must not be before valid_from and given")
    for index, order in enumerate(file.orders):
        if order.lifted and _at(order.lifted, zone) <= _at(order.effective, zone):
            yield document.problem(("orders", index, "lifted"), f"orders.{index}.lifted: must be after effective")


def _policy(file: schema.PolicyFile) -> Policy:
    zone = ZoneInfo(file.timezone)
    return Policy(
        digest=_digest(file),
        approvals=tuple(sorted((_approval(one, zone) for one in file.approvals), key=lambda one: one.id)),
        orders=tuple(sorted((_order(one, zone) for one in file.orders), key=lambda one: (one.effective, one.id))),
        entries=tuple(_entry(service, one, zone) for service, one in sorted(file.services.items())),
        defaults=tuple(sorted(file.defaults.items())),
        observers=tuple(_group(one) for one in file.observers),
        tenants=tuple(
            Tenant(one.service, tuple(one.domains), frozenset(one.own), frozenset(one.common)) for one in file.tenants
        ),
        mutes=tuple(Mute(one.indicator, one.reason, _end(one.until, zone)) for one in file.mutes),
    )


def _digest(file: schema.PolicyFile) -> str:
    """SHA-256 of what the file says: comments, spelling and the order of what has none do not change it."""
    import orjson  # noqa: PLC0415 - slow to load, and rarely needed

    content = _sorted(file.model_dump(mode="json"))
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _sorted(content: object) -> object:
    """The content with its lists sorted: nothing in a policy depends on their order."""
    import orjson  # noqa: PLC0415 - as above

    if isinstance(content, dict):
        return {key: _sorted(value) for key, value in content.items()}
    if isinstance(content, list):
        return sorted(map(_sorted, content), key=lambda one: orjson.dumps(one, option=orjson.OPT_SORT_KEYS))
    return content


def _approval(one: schema.Approval, zone: ZoneInfo) -> Approval:
    begins = _at(one.valid_from, zone)
    given = _at(one.given, zone) if one.given else begins
    return Approval(
        id=one.id,
        scope=Scope(frozenset(one.services), one.category or ""),
        group=_group(one),
        purposes=tuple(one.purposes),
        needs_reference=one.needs_reference,
        max_stage=one.max_stage,
        given=given,
        valid_from=max(begins, given),
        valid_until=_end(one.valid_until, zone),
        reference=one.reference,
        approver=one.approver,
        statement=one.statement,
    )


def _order(one: schema.Order, zone: ZoneInfo) -> Order:
    effective = _at(one.effective, zone)
    return Order(
        id=one.id,
        scope=Scope(frozenset(one.services), one.category or ""),
        effective=effective,
        breach_from=effective + round(one.grace_h * _HOUR),
        lifted=_at(one.lifted, zone) if one.lifted else None,
        addressees=_group(one.addressees),
        duties=tuple(dict.fromkeys(one.duties)),
        reference=one.reference,
        statement=one.statement,
    )


def _entry(service: str, one: schema.Service, zone: ZoneInfo) -> Entry:
    return Entry(
        service=service,
        status=one.status,
        since=_at(one.since, zone) if one.since else None,
        purpose=one.purpose,
        information=tuple(one.information),
        mitigations=tuple(one.mitigations),
        assessment=one.assessment,
        owner=one.owner,
        retention=one.retention,
    )


def _group(one: schema.Members) -> Group:
    return Group(frozenset(one.units), frozenset(one.people), frozenset(one.hosts))


def _end(text: str, zone: ZoneInfo) -> int:
    """The first instant that is no longer meant; a day alone is meant to its end, as in the staff list."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo:
        return from_datetime(moment)
    return from_datetime((moment + timedelta(days=1)).replace(tzinfo=zone))


def _at(text: str, zone: ZoneInfo) -> int:
    """The instant of a moment; a day alone begins at midnight of the zone."""
    moment = datetime.fromisoformat(text)
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=zone))
