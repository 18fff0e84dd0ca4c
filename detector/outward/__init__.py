"""Reaching out of this host: what a sink is, where it may call, for how long, and with which secrets."""

from detector.outward.addresses import Endpoint, Refused, addresses_of
from detector.outward.deadline import Deadline, TooLate
from detector.outward.secrets import read_secret, read_secret_line
from detector.outward.sink import ATTEMPT_S, Channel, Options, Outcome, Result, Sink
from detector.outward.wire import Wire, connect, tls_context

__all__ = [
    "ATTEMPT_S",
    "Channel",
    "Deadline",
    "Endpoint",
    "Options",
    "Outcome",
    "Refused",
    "Result",
    "Sink",
    "TooLate",
    "Wire",
    "addresses_of",
    "connect",
    "read_secret",
    "read_secret_line",
    "tls_context",
]
