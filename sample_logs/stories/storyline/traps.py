"""What is easily taken for the service and is not: invented names, places in URLs, forged senders, shared hosts."""

from __future__ import annotations

ADVERTISING = (
    "How To Solve Crimes Instantly With Face Search Technology",
    "Free trial for law enforcement agencies",
    "Webinar: verify your suspects in seconds, register now",
)
"""Subjects of the vendor's bulk mail."""

HOMOGRAPHS = tuple(
    f"{name}.ai".encode("idna").decode()
    for name in ("cl\u0435arview", "clearv\u0456ew", "cle\u0430rview", "c\u04cfearview")
)
"""Cyrillic letters in place of Latin ones, as the network sees them."""

NAMES = (
    "notclearview.ai", "app.notclearview.ai", "clearview.ai.example.net", "app.clearview.ai.example.net",
    "clearview-eyewear.example", "www.clearview-eyewear.example", "app-clearview-ai.example.com",
    "clearviewai.example.org", "app.clearview.example", "clearview.ai-login.example", "xclearview.ai.example",
    "clearview.air.example", "clearview.ai@portal.example", "app.clearview.ai@portal.example", *HOMOGRAPHS,
)  # fmt: skip
"""Hosts; some have the service's name as user information in front."""

QUESTIONS = (
    "clearview.ai.service.example", "app.clearview.ai.service.example", "_dmarc.clearview-eyewear.example",
    "u1042@clearview.ai",
)  # fmt: skip
"""DNS names: search lists put the house's own domain behind what was typed; a mail address is no host."""

PLACES = (
    ("news.example.com", "/?q=app.clearview.ai"),
    ("news.example.com", "/app.clearview.ai/app/login"),
    ("proxy.example.net", "/fetch?url=https://app.clearview.ai/api/v1/searches"),
    ("clearview.ai@evil.example", "/"),
    ("clearview.ai%40evil.example", "/app/signup"),
    ("evil.example", "/#https://app.clearview.ai/app/invite/x"),
    ("evil.example", "/https://app.clearview.ai/api/v1/search_uploads"),
    ("app.clearview.ai.evil.example", "/app/signup"),
    ("clearview-eyewear.example", "/api/v1/search_uploads"),
)
"""URLs that hold the service's name, but not as their host."""

_VERIFY = "Verify your email address"
FORGED = (
    # envelope's sender, From header, verdict, subject
    ("no-reply@clearview.ai", "no-reply@clearview.ai", "fail", _VERIFY),
    ("bounce@mailer.example", "no-reply@clearview.ai", "fail", "Welcome to Clearview"),
    ("bounce@mailer.example", "no-reply@clearview.ai", "", "Your free trial of Clearview has ended"),
    ("help@clearview.ai", "help@clearview.ai", "fail", "A colleague has invited you to Clearview"),
    ("promo@mailer.example", '"no-reply@clearview.ai" <promo@mailer.example>', "pass", _VERIFY),
    ("no-reply@notclearview.ai", "no-reply@notclearview.ai", "pass", _VERIFY),
    ("no-reply@clearview.ai.example.net", "no-reply@clearview.ai.example.net", "pass", "Welcome to Clearview"),
    ("clearview.ai@mailer.example", "clearview.ai@mailer.example", "pass", _VERIFY),
    ("orders@clearview-eyewear.example", "orders@clearview-eyewear.example", "pass", "Welcome to Clearview"),
    ("bounces@em77.sendgrid.net", "club@clearview-eyewear.example", "pass", "Welcome to Clearview, the eyewear club"),
    (
        "desk@dispatchweekly.example",
        "desk@dispatchweekly.example",
        "pass",
        "Clearview AI: welcome to the age of face search",
    ),
    (f"no-reply@{HOMOGRAPHS[0]}", f"no-reply@{HOMOGRAPHS[0]}", "pass", _VERIFY),
)
"""Mails that claim to be the service's, or read as if they were."""

SHARED = (
    ("d111111abcdef8.cloudfront.net", "/clearview.ai/app.js"),
    ("s3.amazonaws.com", "/clearview-media/logo.png"),
    ("clearview-uploads.s3.amazonaws.com", "/search_uploads"),
    ("static-assets.s3.us-east-1.amazonaws.com", "/app/signup"),
    ("vendor-radio.statuspage.io", "/"),
    ("www.statuspage.io", "/?page=clearviewai"),
    ("cdn.auth-platform.example", "/auth/generate_login_token"),
    ("example-vendor.zendesk.com", "/hc/en-us/requests/new"),
    ("static.parastorage.example", "/services/wix-thunderbolt.js"),
    ("cdn.jsdelivr.net", "/npm/app.clearview.ai/index.js"),
    ("fonts.gstatic.com", "/s/clearview.woff2"),
    ("img.akamaized.net", "/face.jpg"),
)
"""Hosts that many services share, with paths that name one."""

PLATFORM_MAIL = (
    ("bounces+77@em1201.sendgrid.net", _VERIFY),
    ("bounces+78@em1202.sendgrid.net", "Welcome to your free trial"),
    ("0100016f@amazonses.com", "Your trial expires in 3 days"),
    ("support@example-vendor.zendesk.com", "Your account is ready"),
    ("notify@vendor-radio.statuspage.io", "Incident resolved: confirm your subscription"),
)
"""Mail from platforms, without any service's name."""
