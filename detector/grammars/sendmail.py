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

LINE = re.compile(r"([0-9A-Za-z]{7,24}): (.+)", re.DOTALL)
"""A queue id and what is told of it."""

_SENDER = re.compile(r"from=(?:<([^>]*)>|([^,]*)),")
_RECIPIENTS = re.compile(
    r"to=(.(?:[^,]++|,(?! (?:ctladdr|delay|xdelay|mailer|pri|relay|dsn|stat|reject)=))*+)", re.DOTALL
)
_USER = re.compile(r"[A-Za-z0-9_][\w.+-]{0,63}")
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
_USUAL_SENDER = re.compile(
    r"from=<([^<>=]*)>, size=\d+, class=-?\d+, nrcpts=\d+, msgid=(<[^<>=]*>),(?: (?:bodytype|proto|daemon)=[^=,]*,)*+"
    r" relay=[^=,\[]{0,300}\[(?:IPv6:)?([0-9A-Fa-f.:]{2,45})\]"
)
_USUAL_TRY = re.compile(
    r"to=(<[^<>=,]{0,320}>)(?:, (?:ctladdr|delay|xdelay)=[^=,]*)*+, mailer=([\w-]+)(?:, (?:pri|relay)=[^=,]*)*+"
    r", dsn=([245])\.[\d.]+, stat=(.+)",
    re.DOTALL,
)
"""Fields in Sendmail's own order, and no sign in them that could begin another: a search finds the same."""
# Looking a member up on its class costs 70 ns.
_TRANSACTION, _CLIENT_IP, _ENVELOPE, _IDENTIFIER = Col.TRANSACTION, Col.SOURCE_IP, Col.SENDER, Col.MESSAGE_ID
_TO, _ACTION, _DIRECTION, _ALLOWED, _DENIED = Col.TO, Col.ACTION, Col.DIRECTION, Action.ALLOWED, Action.DENIED
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
    if row is not None:
        row[_TRANSACTION] = queue_id
    return row


def _taken(told: str) -> Row:
    if usual := _USUAL_SENDER.match(told):
        sender, mid, client = usual[1], usual[2], values.address(usual[3])
    else:
        named, identified = _SENDER.match(told), _MESSAGE_ID.search(told)
        sender = (named[1] or named[2] or "") if named else ""
        mid, client = identified[1] if identified else "", _client(told)
    row: Row = {}
    if address := mail.address(sender) or _local(sender):
        row[_ENVELOPE] = address
    if message_id := mailtable.message_id(mid):
        row[_IDENTIFIER] = message_id
    if client:
        row[_CLIENT_IP] = client
    return row


def _local(sender: str) -> str:
    """The name of a user of this machine, who sent without a domain."""
    return values.lower(sender) if _USER.fullmatch(sender) else ""


def _tried(told: str) -> Row | None:
    if usual := _USUAL_TRY.match(told):
        return _try(*usual.groups())
    found, status = _RECIPIENTS.match(told), _STATUS.search(told)
    if found is None or status is None or len(found[1]) > _LONGEST_LIST:
        return None
    dsn, mailer = _DSN.search(told), _MAILER.search(told)
    return _try(found[1], mailer[1] if mailer else "", dsn[1] if dsn else "", status[1])


def _try(recipients: str, mailer: str, dsn: str, status: str) -> Row:
    row: Row = {_TO: mail.addresses(recipients) or [values.lower(recipients.strip("<> "))]}
    said = status.lower()
    if said.startswith("sent"):
        row[_ACTION] = _ALLOWED
    elif dsn == "5" or (said.startswith(_REFUSALS) and not said.startswith(_WAITING)):
        row[_ACTION] = _DENIED
    if mailer in _LOCAL:
        row[_DIRECTION] = "inbound"
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
