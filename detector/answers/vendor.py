"""A vendor's own list of accounts, beside what the logs show: matched, the vendor's only, ours only.

An account that only the vendor knows is a blind spot of the logs: coverage of answers about its time is short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from detector.answers.lists import rows
from detector.errors import InvalidFile, Problem
from detector.events import from_iso
from detector.grammars.values import lower

if TYPE_CHECKING:
    from detector.answers.parties import Party
    from detector.coverage import Window

_COLUMNS = {
    "e-mail": ("email", "mail", "emailaddress", "mailaddress", "useremail", "user", "login", "account"),
    "organisation": ("organisation", "organization", "org", "agency", "customer", "company"),
    "created": ("created", "createdat", "creation", "signup", "signedup", "since", "registered"),
    "logins": ("logins", "logincount", "numberoflogins"),
    "searches": ("searches", "searchcount", "numberofsearches", "uses"),
    "last login": ("lastlogin", "lastsignin", "lastseen"),
    "last search": ("lastsearch", "lastuse", "lastactivity"),
}
_TIMES = ("created", "last login", "last search")
_COUNTS = ("logins", "searches")

Who: TypeAlias = Callable[[str, "int | None"], frozenset[str]]
"""The names that the actor behind a mail address or a person's id may have then: in logs, or in a store."""


class Account(NamedTuple):
    """One account, as its vendor says.

    Attributes:
        mail: the address, lower case.
        organisation: as the vendor calls it.
        created: when, ``None`` where the list does not say.
        logins: how many.
        searches: how many.
        last_login: when, ``None`` for never or unknown.
        last_search: when, ``None`` for never or unknown.
    """

    mail: str
    organisation: str = ""
    created: int | None = None
    logins: int = 0
    searches: int = 0
    last_login: int | None = None
    last_search: int | None = None

    def lies_in(self, window: Window) -> bool:
        """Whether the account, as far as is known, was there in a window."""
        known = [one for one in (self.last_login, self.last_search) if one is not None]
        return (self.created is None or self.created < window.until) and (not known or max(known) >= window.since)


class Matched(NamedTuple):
    """One account and the actor of the logs that it is."""

    account: Account
    party: Party


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A vendor's list beside the logs; only accounts that were there in the window.

    Attributes:
        accounts: all of the list that count.
        matched: whom the logs show too, in the order of the list.
        vendor_only: whom the logs do not show, in the order of the list.
        ours_only: whom the logs show and the list does not name.
    """

    accounts: tuple[Account, ...]
    matched: tuple[Matched, ...]
    vendor_only: tuple[Account, ...]
    ours_only: tuple[Party, ...]

    @property
    def seen_share(self) -> float:
        """The share (0 to 1) of the vendor's accounts that the logs show."""
        return len(self.matched) / len(self.accounts) if self.accounts else 1.0


def read(text: str, name: str) -> tuple[Account, ...]:
    """The accounts of a list, one for each address: of several the sums and the latest times.

    Raises:
        InvalidFile: every fault with its line.
    """
    problems: list[Problem] = []
    found: dict[str, Account] = {}
    for line, cells in rows(text, name, _COLUMNS):
        try:
            account = _account(cells)
        except ValueError as fault:
            problems.append(Problem(name, line, 0, str(fault)))
            continue
        known = found.get(account.mail)
        found[account.mail] = account if known is None else _together(known, account)
    if problems:
        raise InvalidFile(problems)
    return tuple(found.values())


def reconcile(accounts: Iterable[Account], found: Sequence[Party], who: Who, window: Window) -> Reconciled:
    """Put a list beside what was found.

    Args:
        accounts: of the vendor.
        found: whom the logs show.
        who: which actors an address may be.
        window: that is asked about.
    """
    counting = tuple(one for one in accounts if one.lies_in(window))
    by_name: dict[str, Party] = {}
    for party in reversed(found):  # of two actors with one name the one that reached more
        by_name[party.actor.name] = party
    matched: list[Matched] = []
    only: list[Account] = []
    for account in counting:
        names = sorted(who(account.mail, account.created) & by_name.keys())
        if names:
            matched += [Matched(account, by_name[name]) for name in names[:1]]
        else:
            only.append(account)
    actors = {one.party.actor for one in matched}
    ours = tuple(party for party in found if party.actor not in actors)
    return Reconciled(counting, tuple(matched), tuple(only), ours)


def _account(cells: dict[str, str]) -> Account:
    mail = lower(cells.get("e-mail", ""))
    if not mail:
        raise ValueError("has no e-mail: every account needs one")
    return Account(
        mail,
        cells.get("organisation", ""),
        *(_instant(cells.get("created", ""), "created"),),
        *(_number(cells.get(column, ""), column) for column in _COUNTS),
        *(_instant(cells.get(column, ""), column) for column in _TIMES[1:]),
    )


def _number(text: str, column: str) -> int:
    plain = text.replace(",", "").replace("\u00a0", "").replace(" ", "")
    if plain and not (plain.isascii() and plain.isdigit() and len(plain) < 16):
        raise ValueError(f"{column} {text!r} is no number")
    return int(plain or 0)


def _instant(text: str, column: str) -> int | None:
    try:
        return from_iso(text) if text else None
    except ValueError:
        raise ValueError(f"{column} {text!r} is no time: write 2020-02-27 or 2020-02-27T10:00:00Z") from None


def _together(one: Account, other: Account) -> Account:
    def latest(first: int | None, second: int | None) -> int | None:
        return max((at for at in (first, second) if at is not None), default=None)

    created = min((at for at in (one.created, other.created) if at is not None), default=None)
    return Account(
        one.mail, one.organisation or other.organisation, created, one.logins + other.logins,
        one.searches + other.searches, latest(one.last_login, other.last_login),
        latest(one.last_search, other.last_search),
    )  # fmt: skip
