"""Answers that stand up: who, since when, how often, after an order, within an approval; and the honest "no"."""

from detector.answers.answering import Answer, Evidence, Origin, answer
from detector.answers.approvals import Approved, Position, approved
from detector.answers.orders import Compliance, Deletion, Followed, Follower, followed
from detector.answers.outcome import Outcome, Shortfall, conclude
from detector.answers.parties import Party, StageRow, parties
from detector.answers.question import Question, kinds_of
from detector.answers.statements import Checked, HandedIn, Statement
from detector.answers.vendor import Account, Reconciled

__all__ = [
    "Account",
    "Answer",
    "Approved",
    "Checked",
    "Compliance",
    "Deletion",
    "Evidence",
    "Followed",
    "Follower",
    "HandedIn",
    "Origin",
    "Outcome",
    "Party",
    "Position",
    "Question",
    "Reconciled",
    "Shortfall",
    "StageRow",
    "Statement",
    "answer",
    "approved",
    "conclude",
    "followed",
    "kinds_of",
    "parties",
]
