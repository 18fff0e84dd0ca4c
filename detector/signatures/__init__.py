"""Signatures: public facts about services, loaded from YAML into one frozen ruleset."""

from detector.signatures.loader import load, own_folder
from detector.signatures.model import Attribution, Indicator, IndicatorKind, MailRules, Signature, Thresholds
from detector.signatures.ruleset import MailKind, Ruleset

__all__ = [
    "Attribution",
    "Indicator",
    "IndicatorKind",
    "MailKind",
    "MailRules",
    "Ruleset",
    "Signature",
    "Thresholds",
    "load",
    "own_folder",
]
