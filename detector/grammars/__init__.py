"""The shapes that several log formats are written in: time stamps, addresses, JSON, delimited and key=value text.

Formats may import these and ``events``, never each other. Each module is independent of the others.
"""
