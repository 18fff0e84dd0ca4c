"""What systemd is told: ready, reloading, stopping, alive. Nothing is said where nobody asked (``$NOTIFY_SOCKET``).

Reference: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html (unverified from here)
"""

from __future__ import annotations

import os
import socket
import time

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"


def reloading() -> str:
    """That configuration is being taken anew; ``READY`` ends it."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"


def status(text: str) -> str:
    """A line for ``systemctl status``."""
    return f"STATUS={text}"


def notify(*words: str) -> bool:
    """Tell the service manager; whether there is one that listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto("\n".join(words).encode(), address)
        except OSError:
            return False  # a manager that has gone is no reason to stop
    return True


def watchdog_s() -> float:
    """Seconds within which a sign of life is expected, 0 for none."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    asked = os.environ.get("WATCHDOG_USEC", "0")
    return int(asked) / 1_000_000 if asked.isdecimal() else 0.0
