"""The command's way in: ``--version`` answers, and an audit's first log is begun, before anything else is imported."""

from __future__ import annotations

import gc
import sys

from detector import __version__


def main() -> None:
    """Run the command line; does not return."""
    if sys.argv[1:] == ["--version"]:
        print(f"shadowit {__version__}")
        sys.exit(0)
    from detector.ahead import begun

    # Signatures are a hundred thousand objects that live to the end: the collector would walk them again and again.
    gc.set_threshold(100_000, 20, 20)
    log = begun(sys.argv[2:] if sys.argv[1:2] == ["audit"] else ())
    try:
        from detector.cli import run

        status = run(sys.argv[1:], log)
    finally:
        if log is not None:
            log.end()
    gc.freeze()  # what is left needs no look for cycles: the process ends
    sys.exit(status)


if __name__ == "__main__":
    main()
