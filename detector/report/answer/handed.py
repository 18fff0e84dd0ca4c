"""What was handed in beside the logs: a vendor's own list of accounts, and what people said when they were asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.report.answer import schema
from detector.report.answer.blocks import Block, Grid, Prose, Section
from detector.report.answer.shown import Reader
from detector.report.answer.values import iso, percent
from detector.report.wording import counted, day, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.answers import Account, Checked, Reconciled
    from detector.report.answer.shown import Shown

_NUMBERS = frozenset({"Logins", "Searches", "Days in the logs", "Days of use before"})


def handed_in(shown: Shown) -> Iterator[Section]:
    """The vendor's list and the statements, where there are any; for readers inside."""
    answer = shown.answer
    if answer.vendor is not None:
        yield Section("The vendor's list", tuple(_vendor(answer.vendor, shown)))
    if answer.statements:
        yield Section("Statements", tuple(_statements(shown)))


def vendor_text(vendor: Reconciled) -> str:
    """How the list and the logs agree, in one sentence."""
    accounts, only = counted(len(vendor.accounts), "account"), f"{len(vendor.vendor_only):,} only the vendor knows"
    both = f"{len(vendor.matched):,} of them stand in the logs too ({share(vendor.seen_share)})"
    text = f"The vendor's list names {accounts} of this time: {both}, {only}."
    return f"{text} The logs show {len(vendor.ours_only):,} whom the list does not name." if vendor.ours_only else text


def _vendor(vendor: Reconciled, shown: Shown) -> Iterator[Block]:
    yield Prose(vendor_text(vendor), "bad" if vendor.vendor_only else "")
    if vendor.vendor_only:
        yield Prose("What only the vendor knows is a blind spot of these logs: coverage of this answer is short.")
    if shown.showing.reader is not Reader.INTERNAL:
        return
    raw = frozenset({"Who", "Account"})
    if vendor.matched:
        heads = ("Who", *_ACCOUNT, "First seen", "Last seen", "Days in the logs")
        yield Grid(heads, tuple(_matched(vendor, shown)), "In the vendor's list and in the logs.", _NUMBERS, raw)
    if vendor.vendor_only:
        rows = tuple((label, *_account(one)) for label, one in _only(vendor, shown))
        yield Grid(("Account", *_ACCOUNT), rows, "In the vendor's list only.", _NUMBERS, raw)
    if vendor.ours_only:
        ours = tuple(
            (shown.labels[one.actor], one.stage.value, day(one.first), day(one.last)) for one in vendor.ours_only
        )
        yield Grid(("Who", "Stage", "First seen", "Last seen"), ours, "In the logs only.", _NUMBERS, raw)


_ACCOUNT = ("Created", "Logins", "Searches", "Last search")


def _matched(vendor: Reconciled, shown: Shown) -> Iterator[tuple[str, ...]]:
    for account, party in vendor.matched:
        who = shown.labels[party.actor]
        yield (who, *_account(account), day(party.first), day(party.last), f"{party.days:,}")


def _account(one: Account) -> tuple[str, str, str, str]:
    return day(one.created), f"{one.logins:,}", f"{one.searches:,}", day(one.last_search or one.last_login)


def _only(vendor: Reconciled, shown: Shown) -> Iterator[tuple[str, Account]]:
    """Accounts that only the vendor knows, by address where names are shown, else by number."""
    for number, one in enumerate(vendor.vendor_only, start=1):
        yield one.mail if shown.is_named else f"vendor's account {number}", one


def _statements(shown: Shown) -> Iterator[Block]:
    found = shown.answer.statements
    contradicted = sum(one.contradicted for one in found)
    yield Prose(
        f"{counted(len(found), 'statement')}; the logs show the contrary of {contradicted:,}, up to the day on which "
        "it was made. A log knows an account, not who sat there."
    )
    if shown.showing.reader is Reader.INTERNAL:
        heads = ("Who", "Statement", "Date", "Days of use before", "Stage before", "Logs", "Vendor's list")
        count = len(heads) - (shown.answer.vendor is None)
        rows = tuple(_statement(one, shown)[:count] for one in found)
        yield Grid(
            heads[:count],
            rows,
            "Statements beside what the logs show until then.",
            _NUMBERS,
            frozenset({"Who", "Statement"}),
        )


def _statement(one: Checked, shown: Shown) -> tuple[str, ...]:
    return (
        _person(one, shown), one.statement.text, day(one.statement.at), f"{one.days:,}", one.stage or "none",
        "show the contrary" if one.contradicted else "show nothing to the contrary", "named" if one.is_listed else "",
    )  # fmt: skip


def _person(one: Checked, shown: Shown) -> str:
    if shown.is_named:
        return one.statement.person
    return shown.labels.get(one.actor, "not in the logs") if one.actor else "not in the logs"


def vendor_data(shown: Shown) -> schema.Vendor | None:
    """The vendor's list as JSON data; for the public only whether it shows more than the logs."""
    vendor = shown.answer.vendor
    if vendor is None or shown.showing.reader is Reader.PUBLIC:
        return None
    is_internal = shown.showing.reader is Reader.INTERNAL
    return schema.Vendor(
        accounts=len(vendor.accounts),
        matched=len(vendor.matched),
        vendor_only=len(vendor.vendor_only),
        ours_only=len(vendor.ours_only),
        seen_pct=percent(vendor.seen_share),
        matched_people=[shown.id_of(one.party.actor) for one in vendor.matched] if is_internal else [],
        vendor_only_accounts=[_account_data(label, one) for label, one in _only(vendor, shown)] if is_internal else [],
        ours_only_people=[shown.id_of(one.actor) for one in vendor.ours_only] if is_internal else [],
    )


def _account_data(label: str, one: Account) -> schema.VendorAccount:
    return schema.VendorAccount(
        account=label,
        created=iso(one.created),
        logins=one.logins,
        searches=one.searches,
        last_login=iso(one.last_login),
        last_search=iso(one.last_search),
    )


def statements_data(shown: Shown) -> list[schema.Statement]:
    """The statements as JSON data, for the internal reader."""
    if shown.showing.reader is not Reader.INTERNAL:
        return []
    return [
        schema.Statement(
            person=_person(one, shown),
            statement=one.statement.text,
            date=iso(one.statement.at) or "",
            days_of_use_before=one.days,
            stage_before=one.stage or None,
            contradicted=one.contradicted,
            in_vendor_list=one.is_listed,
        )
        for one in shown.answer.statements
    ]
