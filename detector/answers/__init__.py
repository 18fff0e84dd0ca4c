"""Answers that stand up: who, since when, how often, after an order, within an approval; and the honest "no"."""

from detector.answers.answering import Answer, Evidence, Origin, answer
from detector.answers.outcome import Outcome, Shortfall, conclude
from detector.answers.parties import Party, StageRow, parties
from detector.answers.question import Question, kinds_of

__all__ = [
    "Answer",
    "Evidence",
    "Origin",
    "Outcome",
    "Party",
    "Question",
    "Shortfall",
    "StageRow",
    "answer",
    "conclude",
    "kinds_of",
    "parties",
]
