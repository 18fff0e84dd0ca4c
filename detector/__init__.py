"""Shadow-IT SaaS usage detector: who used an unapproved service, since when, with evidence.

One sentence: bytes become lines, lines become events, events become sightings, sightings become findings.
``detector/README.md`` is the map of the rooms.
"""

__version__ = "0.1.0"
