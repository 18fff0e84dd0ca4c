"""Mail over SMTP with STARTTLS or TLS.

::

    sinks:
      - type: smtp
        host: mail.example.org
        username: shadowit
        password_file: smtp.password
        sender: shadowit@example.org
        recipients: [security@example.org]

A mail has the same ``Message-ID`` at every attempt, and refers to its incident, so that mail programs show an incident
as one thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from detector.events.instants import to_datetime
from detector.findings.alert import Alert
from detector.outward import (
    ATTEMPT_S,
    Deadline,
    Endpoint,
    Options,
    Outcome,
    Result,
    Sink,
    Wire,
    connect,
    read_secret_line,
    tls_context,
)
from detector.outward.sink import shortened
from detector.outward.wording import lines, title

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_MAIL = Annotated[str, Field(pattern=r"^[!#-'*-+\-/-9=?A-Z^-~.]{1,64}@[A-Za-z0-9.-]{1,255}$")]


class SmtpOptions(Options):
    """Options of ``smtp``.

    Attributes:
        host: of the mail server.
        port: 587 (STARTTLS), 465 (TLS) or 25 (none) where it is not given.
        security: ``starttls``, ``tls`` or ``none``; a password is never sent without encryption.
        username: to log in with.
        password_file: its password.
        sender: address that the mails are from.
        recipients: addresses that they go to.
        ca_file: authorities to trust instead of the system's.
        allow_private: private addresses may be called; mail servers mostly have one.
    """

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password_file: Path | None = None
    sender: _MAIL
    recipients: Annotated[tuple[_MAIL, ...], Field(min_length=1)]
    ca_file: Path | None = None
    allow_private: bool = True

    @model_validator(mode="after")
    def _whole(self) -> SmtpOptions:
        if bool(self.username) != (self.password_file is not None):
            raise ValueError("username and password_file go together")
        if self.security == "none" and self.username:
            raise ValueError("a password is not sent without encryption: write security: starttls or tls")
        return self


def mail(alert: Alert, options: SmtpOptions) -> EmailMessage:
    """An alert as a mail; the same alert gives the same mail."""
    domain = options.sender.rpartition("@")[2]
    message = EmailMessage()
    message["Date"] = format_datetime(to_datetime(alert.at))
    message["From"] = options.sender
    message["To"] = ", ".join(options.recipients)
    message["Subject"] = title(alert)
    message["Message-ID"] = f"<{_digest(alert.key)}@{domain}>"
    message["References"] = f"<{_digest(alert.incident)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Shadowit-Key"] = alert.key
    message.set_content(lines(alert))
    return message


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def deliver(alert: Alert, options: SmtpOptions, now: int) -> Outcome:  # noqa: ARG001 - carries the alert's own time
    """Send one mail; a recipient that is refused for good does not keep it from the others."""
    port = options.port or _PORTS[options.security]
    where = f"{options.host}:{port}"
    deadline = Deadline(ATTEMPT_S)
    try:
        with _session(options, port, deadline) as session:
            refused = session.send_message(mail(alert, options), options.sender, list(options.recipients))
    except smtplib.SMTPRecipientsRefused as fault:
        return _refused(where, next(iter(fault.recipients.values())))
    except smtplib.SMTPResponseException as fault:
        return _refused(where, (fault.smtp_code, fault.smtp_error))
    except smtplib.SMTPException as fault:
        deadline.left_s()
        return Outcome(Result.POSTPONED, shortened(f"{where}: {fault}"))
    except OSError:
        deadline.left_s()
        raise
    note = f", but {len(refused)} of {len(options.recipients)} recipients are refused" if refused else ""
    return Outcome(Result.DELIVERED, f"{where} took the mail{note}")


def _refused(where: str, answer: tuple[int, bytes | str]) -> Outcome:
    code, said = answer
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return Outcome(
        Result.PARKED if 500 <= code < 600 else Result.POSTPONED, shortened(f"{where} answered {code} {text}")
    )


@contextlib.contextmanager
def _session(options: SmtpOptions, port: int, deadline: Deadline) -> Iterator[smtplib.SMTP]:
    """A session in which mail may be sent. The library waits for each answer anew: the deadline closes its socket."""
    with connect(Endpoint(options.host, port, options.allow_private), deadline) as wire:
        session = smtplib.SMTP(local_hostname=socket.gethostname() or "localhost", timeout=ATTEMPT_S)
        end = threading.Timer(deadline.left_s(), _hang_up, [wire])
        end.daemon = True
        end.start()
        try:
            if options.security == "tls":
                wire.secure(tls_context(options.ca_file), options.host)
            _take(session, wire.connection)
            code, said = session.getreply()
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if options.security == "starttls":
                _start_tls(session, wire, options)
            if options.password_file is not None:
                session.login(options.username, read_secret_line(options.password_file))
            yield session
            with contextlib.suppress(smtplib.SMTPException, OSError):
                session.quit()
        finally:
            end.cancel()
            session.close()


def _take(session: smtplib.SMTP, connection: socket.socket) -> None:
    """Let the library speak over a connection of ours; what it had read or learnt before counts no more."""
    session.sock = connection
    session.file = None
    session.helo_resp = session.ehlo_resp = None
    session.esmtp_features = {}
    session.does_esmtp = False


def _start_tls(session: smtplib.SMTP, wire: Wire, options: SmtpOptions) -> None:
    session.ehlo_or_helo_if_needed()
    code, said = session.docmd("STARTTLS")
    if code != 220:
        raise smtplib.SMTPResponseException(code, said)
    wire.secure(tls_context(options.ca_file), options.host)
    _take(session, wire.connection)


def _hang_up(wire: Wire) -> None:
    with contextlib.suppress(OSError):
        wire.connection.shutdown(socket.SHUT_RDWR)


SINK = Sink(type="smtp", options=SmtpOptions, deliver=deliver)
