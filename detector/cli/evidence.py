"""What an answer is made of: logs that are read now, or what the daemon's store has kept of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from detector import __version__
from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.answers import Evidence, Origin
    from detector.answers.vendor import Who
    from detector.audit import Input, Terms
    from detector.audit.run import Audited
    from detector.config import Config
    from detector.coverage import Window
    from detector.findings import Attributed
    from detector.formats import Formats
    from detector.identity import People, References
    from detector.policy import Policy
    from detector.signatures import Ruleset, Signature


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, and with what.

    Attributes:
        since: start of the window, ``None``: the first hour that was read.
        until: its end, ``None``: the last hour that was read.
        ruleset: the signatures.
        terms: of the audit; its services are those that are asked about.
        references: which case somebody worked on when.
        shows_progress: show on a terminal how far reading has come.
        config_path: the configuration's file: the key of the store's pseudonyms may lie beside it.
        spread_of: of which service it is asked who brought whom to it, ``None`` for none: mails are read for it.
    """

    since: int | None
    until: int | None
    ruleset: Ruleset
    terms: Terms
    references: References
    shows_progress: bool = True
    config_path: Path | None = None
    spread_of: Signature | None = None

    def window(self, known: Window) -> Window:
        """The window, open ends filled with what was read.

        Raises:
            UsageError: it is empty.
        """
        from detector.coverage import Window

        since = known.since if self.since is None else self.since
        until = known.until if self.until is None else self.until
        if since >= until:
            raise UsageError("nothing was read in the time that is asked about: name its start and its end")
        return Window(since, until)


def has_store(config: Config | None) -> bool:
    """Whether the configuration's store is there to be read."""
    if config is None:
        return False
    scheme, _, path = config.store.partition(":///")
    return scheme != "sqlite" or Path(path).is_file()


def of_logs(inputs: Sequence[Input], asked: Asked) -> tuple[Evidence, Origin]:
    """The evidence of logs that are read now.

    Raises:
        UsageError: no line carries a time, and no window was asked for.
    """
    from detector.answers import Evidence, Origin
    from detector.audit.judging import named_of
    from detector.audit.ledger import ledger_of, with_roster
    from detector.audit.mails import correspondence_of
    from detector.match import Matcher

    done = _audited(inputs, asked)
    known = ledger_of(inputs, done.coverage, done.report.canaries, _whole(asked))
    if known is None:
        raise UsageError("no line that was read carries a time: say which time is meant with --since and --until")
    ledger = known._replace(window=asked.window(known.window))
    if asked.terms.people is not None:
        ledger = with_roster(ledger, asked.terms.people, done.sightings)
    origin = Origin(__version__, asked.ruleset.digest, done.report.canaries)
    policy = named_of(asked.terms.policy, asked.terms.people)
    mails = None
    if asked.spread_of is not None:
        mails = correspondence_of(inputs, asked.spread_of, Matcher(asked.ruleset), asked.terms.people)
    return Evidence(done.sightings, ledger, policy, asked.references, correspondence=mails), origin


def of_store(config: Config, formats: Formats, asked: Asked) -> tuple[Evidence, Origin]:
    """The evidence that the store has kept; its actors are pseudonyms.

    Raises:
        UsageError: it holds no hour, and no window was asked for.
        StoreFault: it cannot be read.
    """
    from detector.answers import Evidence, Origin
    from detector.audit.kept import kept_of
    from detector.coverage import HOUR, Source, Window, ledger_of_hours, window_of
    from detector.coverage.sources import NEEDED
    from detector.store import Store
    from detector.store.judging import IN_FORCE

    with Store.open(config.store, writable=False) as store:
        seen = [one for service in sorted(asked.terms.services) for one in store.sightings(service)]
        kept, judged_by = kept_of(store, config, formats, asked.ruleset), store.fact(IN_FORCE)
    sightings, policy = _judged(seen, judged_by, config, asked)
    hours = [one for one in kept.hours if one.kind in NEEDED]
    known = _whole(asked) or window_of([Source("", one.kind, (one,)) for one in hours])
    if known is None:
        raise UsageError("the store holds no hour of any log: say which time is meant with --since and --until")
    window = asked.window(known)
    reach = max((one.max_silence_s for one in config.sources), default=0) * 1_000_000 + HOUR
    near = Window(window.since - reach, window.until + reach).hours
    ledger = ledger_of_hours(window, replace(kept, hours=[one for one in kept.hours if one.hour in near]))
    origin = Origin(__version__, asked.ruleset.digest, tuple(sorted(kept.sighted.items())), is_store=True)
    return Evidence(sightings, ledger, policy, asked.references), origin


def _judged(
    kept: Sequence[Attributed], judged_by: str, config: Config, asked: Asked
) -> tuple[Sequence[Attributed], Policy]:
    """What a store kept, judged again where another policy is asked with, and that policy over pseudonyms."""
    from detector.audit.configured import read_key
    from detector.audit.judging import hidden_of, rejudge_of
    from detector.daemon.inforce import key_path
    from detector.findings import LEFT_OUT
    from detector.policy import EMPTY

    policy, key_file = asked.terms.policy, config.privacy.key_file
    if key_file is None and asked.config_path is not None:
        key_file = key_path(asked.config_path, config)
    if policy is EMPTY or key_file is None or not key_file.exists():
        return kept, policy
    hidden = hidden_of(policy, read_key(key_file), asked.terms.people)
    if policy.digest == judged_by:
        return kept, hidden
    judge = rejudge_of(hidden, asked.ruleset)
    rulings = map(judge, kept)
    return [
        one._replace(verdict=ruling.verdict, ruling=ruling.by)
        for one, ruling in zip(kept, rulings, strict=True)
        if ruling.by not in LEFT_OUT
    ], hidden


def who_of(people: People | None, key_file: Path | None, *, is_store: bool) -> Who:
    """Which actors a mail address, an account or a person's id may be.

    Args:
        people: the directory, ``None`` for none.
        key_file: with the key of the store's pseudonyms.
        is_store: the actors are pseudonyms.

    Raises:
        UsageError: they are, and there is no key.
    """
    from detector.audit.configured import read_key
    from detector.grammars.values import lower
    from detector.identity import pseudonym
    from detector.match import Actor, ActorKind

    if is_store and key_file is None:
        raise UsageError("to find people in the store its key is needed: write privacy: {key_file: …} into --config")
    key = read_key(key_file) if key_file is not None else b""

    def who(name: str, at: int | None) -> frozenset[str]:
        ids = {name} if people is not None and name in people else set()
        if people is not None:
            ids |= {one.id for tenure in (people.mailbox(name), people.account(name)) for one in tenure.at(at)}
        if not is_store:
            return frozenset({lower(name), *ids})
        actors = [Actor(ActorKind.PERSON, one) for one in ids]
        actors += [Actor(kind, lower(name)) for kind in (ActorKind.MAILBOX, ActorKind.ACCOUNT)]
        return frozenset(pseudonym(one, key) for one in actors)

    return who


def _whole(asked: Asked) -> Window | None:
    """The window where both of its ends were asked for."""
    from detector.coverage import Window

    return None if asked.since is None or asked.until is None else Window(asked.since, asked.until)


def _audited(inputs: Sequence[Input], asked: Asked) -> Audited:
    from detector.audit import audited

    if not asked.shows_progress or not sys.stderr.isatty():
        return audited(inputs, asked.ruleset, asked.terms)
    from detector.cli.progress import shown

    with shown(inputs) as advance:
        return audited(inputs, asked.ruleset, asked.terms, advance)
