"""How calls are shown below a help text: each on a line of its own, to be copied as it stands."""

from __future__ import annotations

import re

_WIDTH = 74
_word = re.compile(r"(?:'[^']*'|[^\s'])+")


def examples(*calls: str, note: str = "") -> str:
    r"""The epilog of a command.

    Args:
        calls: whole command lines.
        note: what one has to know besides.

    >>> print(examples("shadowit audit /var/log", note="That is all.").replace("\b", "|"))
    |
    Example:
      shadowit audit /var/log
    <BLANKLINE>
    That is all.
    """
    shown = "\n".join(f"  {_folded(call)}" for call in calls)
    return f"\b\nExample{'s' * (len(calls) > 1)}:\n{shown}" + (f"\n\n{note}" if note else "")


def _folded(call: str) -> str:
    r"""A call that is long, over several lines as a shell reads them: broken between words, never within quotes.

    >>> print(_folded("shadowit answer clearview-ai /archive/2019 /archive/2020 --names --purpose 'a hearing in May'"))
    shadowit answer clearview-ai /archive/2019 /archive/2020 --names --purpose \
          'a hearing in May'
    """
    lines = [""]
    for word in _word.findall(call):
        if lines[-1] and len(lines[-1]) + len(word) > _WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return " \\\n      ".join(lines)
