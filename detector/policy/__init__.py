"""One organisation's decisions: what is allowed to whom and when, and the verdict on what was seen.

Policy changes the verdict, never the evidence. Signatures carry no decisions, and a policy adds no indicators.
"""

from detector.policy.decisions import Approval, Duty, Entry, Group, Mute, Order, Tenant
from detector.policy.judging import EMPTY, MUTED, OBSERVED, Policy
from detector.policy.loader import load
from detector.policy.words import Act, Ruling, Status, Subject, Verdict, is_use

__all__ = [
    "EMPTY",
    "MUTED",
    "OBSERVED",
    "Act",
    "Approval",
    "Duty",
    "Entry",
    "Group",
    "Mute",
    "Order",
    "Policy",
    "Ruling",
    "Status",
    "Subject",
    "Tenant",
    "Verdict",
    "is_use",
    "load",
]
