"""A policy that was changed judges what is kept; what the one before said is kept beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.audit.judging import hidden_of, rejudge_of

if TYPE_CHECKING:
    from detector.daemon.inforce import InForce
    from detector.store import Store


def judge_again(force: InForce, store: Store, now: int) -> int:
    """Judge everything by the policy in force, if it is another one than before; how many verdicts changed.

    The whole history is judged in one transaction: a reader sees the old verdicts or the new ones, never both.

    Raises:
        StoreFault: the store cannot be written; the verdicts stay what they were.
    """
    hidden = hidden_of(force.policy, force.key, force.people)
    return store.rejudge(force.policy.digest, rejudge_of(hidden, force.ruleset), now)
