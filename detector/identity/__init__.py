"""Who did it: people of the directory, who was at an address when, the actor of a sighting, pseudonyms."""

from detector.identity.actors import GRADES, PSEUDONYM_DIGITS, attribute, pseudonym
from detector.identity.directory import load
from detector.identity.occupancy import Occupancies, Span
from detector.identity.people import Entry, Holder, People, Tenure
from detector.identity.reading import Reader
from detector.identity.references import References
from detector.identity.resolver import Resolver
from detector.identity.stays import Stay, Stays
from detector.identity.suppression import suppressed, suppressed_total

__all__ = [
    "GRADES",
    "PSEUDONYM_DIGITS",
    "Entry",
    "Holder",
    "Occupancies",
    "People",
    "Reader",
    "References",
    "Resolver",
    "Span",
    "Stay",
    "Stays",
    "Tenure",
    "attribute",
    "load",
    "pseudonym",
    "suppressed",
    "suppressed_total",
]
