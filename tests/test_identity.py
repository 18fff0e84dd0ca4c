"""Whom a sighting belongs to, and what stands for the name where names may not be shown."""

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.events import Stage
from detector.identity import GRADES, PSEUDONYM_DIGITS, attribute, pseudonym
from detector.match import Actor, ActorKind, Attribution, Confidence, Sighting


def sighting(account="", mailbox="", address=""):
    return Sighting(
        "one", "one:suffix:one.com", Stage.VISITED, Confidence.CONFIRMED, 0, False, account, address, mailbox,
        "one.com", 0, 0, 0, b"",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "kind", "name"),
    [
        ({"account": "U1042", "mailbox": "u@x.ca", "address": "10.0.0.7"}, ActorKind.ACCOUNT, "u1042"),
        ({"account": "CORP\\U1042"}, ActorKind.ACCOUNT, "corp\\u1042"),
        ({"mailbox": "Jane.Doe@X.ca", "address": "10.0.0.7"}, ActorKind.MAILBOX, "jane.doe@x.ca"),
        ({"address": "2001:DB8::7"}, ActorKind.ADDRESS, "2001:db8::7"),
        ({}, ActorKind.UNKNOWN, "unknown"),
    ],
)
def test_the_surest_name_counts_whatever_its_case(said, kind, name):
    assert attribute(sighting(**said)) == Attribution(Actor(kind, name), GRADES[kind])


def test_every_kind_of_actor_has_a_grade():
    assert set(GRADES) == set(ActorKind)
    assert set(GRADES.values()) == {"high", "medium", "low"}
    assert GRADES[ActorKind.ACCOUNT] == "high"
    assert GRADES[ActorKind.ADDRESS] == "low"


ACTORS = st.builds(Actor, st.sampled_from(ActorKind), st.text(min_size=1))


@settings(deadline=None)
@given(ACTORS, st.binary(min_size=16, max_size=64))
def test_a_pseudonym_is_stable_keyed_and_says_nothing(actor, key):
    shown = pseudonym(actor, key)
    assert shown == pseudonym(actor, key)
    assert shown != pseudonym(actor, key + b"x")
    assert shown.startswith("p-")
    assert len(shown) == 2 + PSEUDONYM_DIGITS
    for plain in (actor.name, f"{actor.kind}\0{actor.name}"):
        assert hashlib.sha256(plain.encode()).hexdigest()[:PSEUDONYM_DIGITS] not in shown


@settings(deadline=None)
@given(ACTORS, ACTORS)
def test_two_actors_have_two_pseudonyms(one, other):
    assert (pseudonym(one, b"key") == pseudonym(other, b"key")) == (one == other)


def test_a_pseudonym_is_made_as_the_documentation_says():
    digest = hmac.new(b"key", b"account\0u1042", hashlib.sha256).hexdigest()
    assert pseudonym(Actor(ActorKind.ACCOUNT, "u1042"), b"key") == f"p-{digest[:16]}"
