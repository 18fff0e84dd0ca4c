"""Discovery of the unknown: services that no signature names, by every host of every line, ranked with reasons."""

from detector.discovery.looking import Terms, discover
from detector.discovery.outcome import Discovery, Log, Row, Source
from detector.discovery.writing import render

__all__ = ["Discovery", "Log", "Row", "Source", "Terms", "discover", "render"]
