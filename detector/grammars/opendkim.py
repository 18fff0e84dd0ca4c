"""OpenDKIM's and OpenDMARC's log lines: how the signatures of a mail ended, told by the queue id of the mail server.

- ``opendkim[pid]: <queue id>: s=<selector> d=<domain> SSL [error]``, ``DKIM verification successful`` …
- ``opendmarc[pid]: <queue id>: <domain> pass|fail``
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.events import Col
from detector.grammars import mailqueue, values

if TYPE_CHECKING:
    from detector.events import Row

_DKIM = re.compile(r"s=\S+ d=(\S+) (?:a=\S+ )?SSL ?(.*)|signature=\S* domain=(\S+) .*result=\"no signature error\"")
_DMARC = re.compile(r"\S+ (pass|fail)\s*")


def verdict(program: str, queue_id: str, told: str) -> Row | None:
    """The fragment of one line, ``None`` where it says nothing that counts or another program wrote it.

    >>> verdict("opendmarc", "3F2A81C0B4", "clearview.ai pass")[Col.AUTHENTICATION]
    'pass'
    """
    said = None
    if program == "opendmarc":
        found = _DMARC.fullmatch(told)
        said = found[1] if found else None
    elif program != "opendkim":
        return None
    elif found := _DKIM.match(told):
        said = mailqueue.DKIM_FAIL if found[2] else mailqueue.SIGNED_BY + values.lower(found[1] or found[3])
    elif told.startswith("DKIM verification successful"):
        said = mailqueue.DKIM_PASS
    elif told.startswith(("bad signature data", "DKIM verification failed", "signature verification failed")):
        said = mailqueue.DKIM_FAIL
    return {Col.TRANSACTION: queue_id, Col.AUTHENTICATION: said} if said else None
