"""Who may read a file that holds a secret."""

from __future__ import annotations

import os

_OTHERS, _OTHERS_OF_ROOT = 0o077, 0o037


def others_may_read(status: os.stat_result) -> bool:
    """Whether more than its owner may read, or anybody else change, a secret's file.

    Where root owns it and hands it to a process without root's rights, as orchestrators mount secrets, the group may
    read it too: the rule that PostgreSQL has for its keys.

    Reference: https://www.postgresql.org/docs/current/ssl-tcp.html (unverified from here)
    """
    return bool(status.st_mode & (_OTHERS_OF_ROOT if status.st_uid == 0 and os.geteuid() != 0 else _OTHERS))
