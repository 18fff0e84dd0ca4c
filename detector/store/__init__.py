"""What the program knows between two readings: SQLite by default, PostgreSQL by URL.

``Store.batch`` keeps what a pass over logs gave in one transaction; everything else reads, or writes one single thing.
"""

from detector.store.batch import Batch
from detector.store.custody import Custodians, custodians_of
from detector.store.grants import Use
from detector.store.incidents import Incident, Note, State
from detector.store.keeping import Hold, Purge, Terms
from detector.store.knowing import DayCount, Progress, Standing, Tallies
from detector.store.outbox import Backlog, Delivery
from detector.store.progress import LookBack
from detector.store.reader import Reader
from detector.store.reveals import Act, Ask, Reveal
from detector.store.store import Store

__all__ = [
    "Act",
    "Ask",
    "Backlog",
    "Batch",
    "Custodians",
    "DayCount",
    "Delivery",
    "Hold",
    "Incident",
    "LookBack",
    "Note",
    "Progress",
    "Purge",
    "Reader",
    "Reveal",
    "Standing",
    "State",
    "Store",
    "Tallies",
    "Terms",
    "Use",
    "custodians_of",
]
