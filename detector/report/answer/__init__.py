"""Answers for three readers, as text, Markdown, a page or JSON; nothing is written but what the reader may see."""

from detector.report.answer.shown import Reader, Showing, Shown, shown
from detector.report.answer.writing import FORMATS, render

__all__ = ["FORMATS", "Reader", "Showing", "Shown", "render", "shown"]
