r"""Sendmail's log lines, which gateways that embed it write too: ``<queue id>: from=…``, ``<queue id>: to=…, stat=…``.

Every line becomes a fragment for ``mailqueue``. References: "Sendmail Installation and Operation Guide", section 2.1.1
"Format" of the system log (unverified from here).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.events import Action, Col
from detector.grammars import mail, mailtable, values

if TYPE_CHECKING:
    from detector.events import Row

LINE = re.compile(r"([0-9A-Za-z]{8,24}): (.+)", re.DOTALL)
"""A queue id and what is told of it."""

_SENDER = re.compile(r"from=(?:<([^>]*)>|([^,]*)),")
_RECIPIENTS = re.compile(
    r"to=(.(?:[^,]++|,(?! (?:ctladdr|delay|xdelay|mailer|pri|relay|dsn|stat|reject)=))*+)", re.DOTALL
)
_LONGEST_LIST = 4000
_RELAY = re.compile(r"relay=[^\[,]{0,300}\[(?:IPv6:)?([0-9A-Fa-f.:]{2,45})\]")
_MESSAGE_ID = re.compile(r"msgid=(<[^>]*>|[^,\s]+)")
_MAILER = re.compile(r"mailer=([\w-]+)")
_LOGIN = re.compile(r"authid=([^,\s]+)")
_DSN = re.compile(r"dsn=([245])\.")
_STATUS = re.compile(r"stat=(.+)", re.DOTALL)
_RULESET = re.compile(r"ruleset=(check_\w+), arg1=(.{0,600}?),(?: arg2=.{0,600}?,)?(?= (?:relay|reject)=)", re.DOTALL)
_NOBODY = re.compile(
    r"<([^<>\s]{3,320})>\.\.\. (?:User unknown|No such user|Mailbox (?:unavailable|disabled|full))", re.IGNORECASE
)
_LOCAL = frozenset({"local", "lmtp", "procmail", "cyrus", "cyrusv2", "prog", "dovecot", "*file*", "virtual"})
_WAITING = ("deferred", "queued", "i/o error", "please try again", "operating system error")
_REFUSALS = ("user unknown", "service unavailable", "host unknown", "data format error", "quarantine", "can't create")


def fragment(queue_id: str, told: str) -> Row | None:
    """What a line says of a queue id, ``None`` where it says nothing that counts; the id alone ends it.

    >>> fragment("x0142", "to=<u1042@example.org>, delay=00:00:01, mailer=local, pri=30, dsn=2.0.0, stat=Sent")[Col.TO]
    ['u1042@example.org']
    """
    row: Row | None
    if told.startswith("from="):
        row = _taken(told)
    elif told.startswith("to="):
        row = _tried(told)
    elif told.startswith("done;"):
        row = {}
    elif told.startswith("AUTH=server"):
        login = _LOGIN.search(told)
        user = values.user(login[1]) if login else None
        row = values.row_of({Col.USER: user, Col.SOURCE_IP: _client(told), Col.DIRECTION: "outbound" if user else None})
    else:
        row = _refused(told)
    return None if row is None else {Col.TRANSACTION: queue_id, **row}


def _taken(told: str) -> Row:
    sender, mid = _SENDER.match(told), _MESSAGE_ID.search(told)
    return values.row_of(
        {
            Col.SENDER: mail.address(sender[1] or sender[2] or "") if sender else None,
            Col.MESSAGE_ID: mailtable.message_id(mid[1]) if mid else None,
            Col.SOURCE_IP: _client(told),
        }
    )


def _tried(told: str) -> Row | None:
    found, status = _RECIPIENTS.match(told), _STATUS.search(told)
    if found is None or status is None or len(found[1]) > _LONGEST_LIST:
        return None
    row: Row = {Col.TO: mail.addresses(found[1]) or [values.lower(found[1].strip("<> "))]}
    said, dsn = status[1].lower(), _DSN.search(told)
    if said.startswith("sent"):
        row[Col.ACTION] = Action.ALLOWED
    elif (dsn and dsn[1] == "5") or (said.startswith(_REFUSALS) and not said.startswith(_WAITING)):
        row[Col.ACTION] = Action.DENIED
    mailer = _MAILER.search(told)
    if mailer and mailer[1] in _LOCAL:
        row[Col.DIRECTION] = "inbound"
    return row


def _refused(told: str) -> Row | None:
    if (nobody := _NOBODY.match(told)) and (to := mail.addresses(nobody[1])):
        return {Col.TO: to, Col.ACTION: Action.DENIED}
    if "reject=" not in told:
        return None
    row = values.row_of({Col.ACTION: Action.DENIED, Col.SOURCE_IP: _client(told)})
    if rule := _RULESET.match(told):
        if rule[1] == "check_rcpt" and (to := mail.addresses(rule[2])):
            row[Col.TO] = to
        elif rule[1] == "check_mail" and (sender := mail.address(rule[2])):
            row[Col.SENDER] = sender
        return row if Col.TO in row or Col.SENDER in row else None
    if not told.startswith("Milter"):
        return None
    _, _, about = told.partition(": ")
    found = _RECIPIENTS.match(about)
    if found and len(found[1]) <= _LONGEST_LIST and (to := mail.addresses(found[1])):
        row[Col.TO] = to
    return row


def _client(told: str) -> str | None:
    found = _RELAY.search(told)
    return values.address(found[1]) if found else None
