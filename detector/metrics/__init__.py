"""What dashboards scrape: one table of metrics, and one moment of the daemon written by it.

A person is never a label. Every service of the catalogue has every verdict, at 0 from the start: a counter that first
appears at 1 never makes ``increase()`` fire. What is not in the catalogue, and sources, sinks and jobs above a limit,
are counted under ``other``: series grow with the catalogue and the configuration, never with what the logs hold.
"""

from detector.metrics.snapshot import OTHER, Service, Snapshot, Source, catalogue_of
from detector.metrics.table import FAMILIES, Family
from detector.metrics.text import CONTENT_TYPE, Page

__all__ = ["CONTENT_TYPE", "FAMILIES", "OTHER", "Family", "Page", "Service", "Snapshot", "Source", "catalogue_of"]
