"""A signed POST of the alert as JSON.

::

    sinks:
      - {type: webhook, url: "https://soar.example.org/hooks/shadowit", secret_file: webhook.secret}

The body is the document ``shadowit.alert/1``, or with ``body: ocsf`` a Detection Finding. Every attempt carries the
same ``Idempotency-Key`` and ``webhook-id``: a receiver that has seen it may answer 200 and do nothing.
``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA-256 over ``{webhook-id}.{webhook-timestamp}.{body}``;
receivers refuse a timestamp (seconds) that is minutes old.

Reference: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from detector import __version__
from detector.errors import UsageError
from detector.events import MICROSECONDS
from detector.findings.alert import Alert
from detector.outward import Options, Outcome, Sink, read_secret, read_secret_line
from detector.outward.http import Post, Url, checked_url, post
from detector.outward.wording import as_json, document, ocsf

_PREFIX = b"whsec_"


class WebhookOptions(Options):
    """Options of ``webhook``.

    Attributes:
        url: where to.
        url_file: or a file that holds it, for URLs that are secrets.
        secret_file: key of the signature; ``whsec_…`` is read as base64, anything else as it is.
        bearer_file: a token that the receiver asks for.
        body: ``alert`` or ``ocsf``.
        ca_file: authorities to trust instead of the system's.
        allow_private: private addresses may be called.
    """

    url: Url = ""
    url_file: Path | None = None
    secret_file: Path
    bearer_file: Path | None = None
    body: Literal["alert", "ocsf"] = "alert"
    ca_file: Path | None = None
    allow_private: bool = False

    @model_validator(mode="after")
    def _one_url(self) -> WebhookOptions:
        if bool(self.url) == (self.url_file is not None):
            raise ValueError("write url or url_file, one of them")
        return self


def signature(secret: bytes, key: str, seconds: int, body: bytes) -> str:
    """The value of ``webhook-signature``.

    Raises:
        UsageError: ``whsec_`` is not followed by base64.
    """
    if secret.startswith(_PREFIX):
        try:
            secret = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise UsageError("the webhook's secret begins with whsec_ but is no base64") from None
    digest = hmac.new(secret, b"%b.%d.%b" % (key.encode(), seconds, body), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def deliver(alert: Alert, options: WebhookOptions, now: int) -> Outcome:
    """Post one alert."""
    body = as_json(ocsf(alert) if options.body == "ocsf" else document(alert))
    seconds = now // MICROSECONDS
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"shadowit/{__version__}",
        "Idempotency-Key": alert.key,
        "webhook-id": alert.key,
        "webhook-timestamp": str(seconds),
        "webhook-signature": signature(read_secret(options.secret_file), alert.key, seconds, body),
    }
    if options.bearer_file is not None:
        headers["Authorization"] = f"Bearer {read_secret_line(options.bearer_file)}"
    return post(Post(_url(options), body, headers, options.ca_file, options.allow_private), now)


def _url(options: WebhookOptions) -> str:
    if options.url_file is None:
        return options.url
    try:
        return checked_url(read_secret_line(options.url_file))
    except ValueError as fault:
        raise UsageError(f"{options.url_file}: {fault}") from None


SINK = Sink(type="webhook", options=WebhookOptions, deliver=deliver)
