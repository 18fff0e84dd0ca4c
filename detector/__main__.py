"""The command's way in: ``--version`` answers, and an audit's first log is begun, before anything else is imported."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from detector import __version__


def main() -> None:
    """Run the command line as a process; does not return."""
    ended: list[int] = []
    atexit.register(_leave, ended)
    ended.append(answer())
    sys.exit(ended[0])


def answer() -> int:
    """Run the command line and give the exit status."""
    if sys.argv[1:] == ["--version"]:
        try:
            print(f"shadowit {__version__}", flush=True)
        except OSError:
            pass  # nobody takes it: the long way meets that too, and says so
        else:
            return 0
    from detector.ahead import begun

    # Signatures are a hundred thousand objects that live to the end: the collector would walk them again and again.
    gc.set_threshold(100_000, 20, 20)
    log = begun(sys.argv[2:] if sys.argv[1:2] == ["audit"] else ())
    try:
        from detector.cli import run

        return run(sys.argv[1:], log)
    finally:
        if log is not None:
            log.end()


def _leave(ended: list[int]) -> None:
    """End at once: Python would take apart all that is in memory, piece by piece, before it gives it back.

    Registered first, it is called last: whatever else is done at the end is done by then.
    """
    for status in ended:
        for stream in filter(None, (sys.stdout, sys.stderr)):  # one that was closed before the start is ``None``
            stream.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
