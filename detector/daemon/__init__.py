"""An audit on a timer: what is unread is read, in one transaction with everything that it gave."""

from detector.daemon.health import Fault, Health, State

__all__ = ["Fault", "Health", "State"]
