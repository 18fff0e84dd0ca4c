"""Who may ask the web listener: the right host name where nobody logs in, the right password where somebody must."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Executor
from ipaddress import ip_address
from typing import TYPE_CHECKING

import bcrypt
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_REMEMBERED = 100
_WAITING = 8
"""Passwords that may wait for being checked: each costs a tenth of a second on purpose."""


class Passwords:
    """Users and their passwords.

    A password that was right is remembered (as a keyed digest), so that a scrape does not pay for bcrypt each time.
    That of an unknown user is compared with somebody's, so that it takes as long.

    Args:
        users: name → bcrypt, at least one.
        executor: where passwords are checked, one after the other.
    """

    def __init__(self, users: Mapping[str, str], executor: Executor) -> None:
        self._users = users
        self._somebody = next(iter(users.values()))
        self._executor = executor
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def is_right(self, header: str) -> bool | None:
        """Whether an ``Authorization`` is right; ``None`` where too many wait to be told."""
        user, password = credentials(header)
        known = hmac.new(self._key, f"{user}\0{password}".encode(), hashlib.sha256).digest()
        if known in self._right:
            self._right.move_to_end(known)
            return True
        if self._waiting >= _WAITING:
            return None
        self._waiting += 1
        try:
            async with self._turn:
                hashed = self._users.get(user, self._somebody)
                loop = asyncio.get_running_loop()
                is_same = await loop.run_in_executor(self._executor, _is_password, password, hashed)
                found = is_same and user in self._users
        finally:
            self._waiting -= 1
        if found:
            self._right[known] = None
            if len(self._right) > _REMEMBERED:
                self._right.popitem(last=False)
        return found


def credentials(header: str) -> tuple[str, str]:
    """User and password of an ``Authorization: Basic``, empty where it is none.

    >>> credentials("Basic dTpwOnE=")
    ('u', 'p:q')
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _is_password(password: str, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode(), hashed.encode())
    except ValueError:
        return False  # longer than bcrypt takes, or with a NUL


def is_loopback(host: str) -> bool:
    """Whether a host, as a ``Host`` header names it, is this machine itself.

    >>> [is_loopback(one) for one in ("localhost:9847", "127.0.0.1", "[::1]:9847", "evil.example", "127.0.0.1.evil")]
    [True, True, True, False, False]
    """
    name = host[1 : host.find("]")] if host.startswith("[") else host.rpartition(":")[0] or host
    if name.lower() == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets a request through to the pages, or answers it.

    A listener on loopback that asks for no password answers only requests that name this machine: a page elsewhere
    could point a name of its own here. Whatever a browser sends from another site is refused.

    Args:
        pages: behind it.
        passwords: nothing: nobody is asked.
        is_local: the listener is on loopback.
    """

    def __init__(self, pages: ASGIApp, passwords: Passwords | None, *, is_local: bool) -> None:
        self._pages = pages
        self.passwords = passwords
        self._is_local = is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        answer = await self._refusal(headers)
        await (self._pages if answer is None else answer)(scope, receive, send)

    async def _refusal(self, headers: Headers) -> PlainTextResponse | None:
        if self.passwords is not None:
            is_right = await self.passwords.is_right(headers.get("authorization", ""))
            if is_right is None:
                return PlainTextResponse("too many passwords to check\n", 429, {"Retry-After": "1"})
            if not is_right:
                return PlainTextResponse("who are you?\n", 401, {"WWW-Authenticate": 'Basic realm="shadowit"'})
        elif self._is_local and not is_loopback(headers.get("host", "localhost")):
            return PlainTextResponse("this listener answers to localhost only\n", 421)
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") or "origin" in headers:
            return PlainTextResponse("requests of other sites are not answered\n", 403)
        return None
