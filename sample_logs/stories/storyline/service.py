"""Events at the service that the stories are about: Clearview AI in early 2020."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storyline.clock import SECOND
from storyline.events import Lookup, Mail, Proof, Web

if TYPE_CHECKING:
    from storyline.people import Person

PRODUCT = "app.clearview.ai"
PUBLIC = "www.clearview.ai"
UPLOAD_BYTES = 30_000
"""From so many bytes on a request whose content is hidden is probably an upload."""

_POSTED = frozenset({"/auth/generate_login_token", "/api/v1/search_uploads"})

INVITED = "A colleague has invited you to Clearview"
INVITED_BY = "{inviter} has invited you to Clearview AI"
VERIFY = "Verify your email address"
WELCOME = "Welcome to Clearview"
EXPIRING = "Your Clearview trial expires in 3 days"
ENDED = "Your free trial of Clearview has ended"
DELETED = "Your Clearview account has been deleted"
ADVERTISED = "How To Solve Crimes Instantly With Face Search Technology"


def resolved(instant: int, person: Person, name: str) -> list[Lookup]:
    """A workstation asks for both families of addresses."""
    proof = Proof("resolved")
    return [Lookup(instant, person.address, name, kind, proof) for kind in ("A", "AAAA")]


def tunnelled(instant: int, person: Person, host: str, *, sent: int = 900, user: str = "") -> Web:
    """A request whose content the proxy did not see. ``sent`` counts only where the log tells it."""
    upload = host == PRODUCT and sent >= UPLOAD_BYTES
    proof = Proof("uploaded" if upload else "visited", "probable" if upload else "confirmed", opaque=host == PRODUCT)
    return Web(instant, person.address, host, user, sent=sent, received=48_211, proof=proof)


def opened(instant: int, person: Person, path: str, stage: str, *, sent: int = 1_200) -> Web:
    """A request to the product whose content the proxy saw."""
    proof = Proof(stage, opaque=True)
    method = "POST" if path in _POSTED else "GET"
    return Web(instant, person.address, PRODUCT, person.id, path, method, 200, sent, 9_020, proof=proof)


def sign_up(instant: int, person: Person) -> list[Web]:
    """Somebody follows an invitation and logs in, at a proxy that sees the content."""
    token = f"{instant % 9_999_991:x}"
    return [
        opened(instant, person, f"/app/invite/{token}", "signed_up"),
        opened(instant + 95 * SECOND, person, "/app/login", "visited"),
        opened(instant + 110 * SECOND, person, "/auth/generate_login_token", "signed_in"),
    ]


def search(instant: int, person: Person, photo_bytes: int) -> list[Web]:
    """One photograph goes up, the results come back, at a proxy that sees the content."""
    return [
        opened(instant, person, "/api/v1/search_uploads", "uploaded", sent=photo_bytes),
        opened(instant + 4 * SECOND, person, "/api/v1/searches?page=1", "used"),
    ]


def mail(instant: int, mailbox: str, subject: str, stage: str, *, verdict: str = "") -> Mail:
    """One of the service's own mails; sure only where the gateway checked the sender."""
    confidence = "confirmed" if verdict == "pass" else "probable"
    sender = f"bounces+{instant % 99_991}@em4512.clearview.ai"
    return Mail(instant, sender, (mailbox,), subject, "no-reply@clearview.ai", verdict, proof=Proof(stage, confidence))
