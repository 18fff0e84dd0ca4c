"""TLS and basic authentication of the web listener, in the format of Prometheus' own ``web-config.yml``.

::

    tls_server_config: {cert_file: server.pem, key_file: server.key}
    basic_auth_users: {prometheus: $2b$12$…}        # htpasswd -nBC 12 prometheus

Reference: https://prometheus.io/docs/prometheus/latest/configuration/https/
"""

from __future__ import annotations

import ssl
import stat
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detector import documents
from detector.errors import InvalidFile

_BY_OTHERS = stat.S_IROTH | stat.S_IWOTH
_BCRYPT = r"^\$2[aby]\$(?:0[4-9]|1[0-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{53}$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsServer(_Part):
    """How the listener shows who it is, and whom it lets in.

    Attributes:
        cert_file: its certificate, with those between it and the authority.
        key_file: the certificate's key; must not be readable by everybody.
        client_auth_type: whether clients must show a certificate.
        client_ca_file: the authority of their certificates.
        min_version: oldest TLS version.
    """

    cert_file: Path
    key_file: Path
    client_auth_type: Literal["NoClientCert", "RequireAndVerifyClientCert"] = "NoClientCert"
    client_ca_file: Path | None = None
    min_version: Literal["TLS12", "TLS13"] = "TLS12"


class WebConfig(_Part):
    """The whole file.

    Attributes:
        tls_server_config: nothing: no TLS.
        basic_auth_users: name → bcrypt of the password; nothing: nobody is asked.
    """

    tls_server_config: TlsServer | None = None
    basic_auth_users: dict[
        Annotated[str, Field(pattern=r"^[^:\x00-\x1f]+$")], Annotated[str, Field(pattern=_BCRYPT)]
    ] = {}


def load(path: Path) -> WebConfig:
    """Load a file; relative paths in it are relative to its folder.

    Raises:
        InvalidFile: every problem, with ``file:line:col``; never a password's digest.
    """
    document = documents.read(path)
    if document.problems:
        raise InvalidFile(document.problems)
    try:
        config = WebConfig.model_validate(document.data or {})
    except ValidationError as fault:
        raise InvalidFile(
            [document.problem(error["loc"], _sentence(error["loc"], error["type"], error["msg"]))
             for error in fault.errors(include_input=False)]
        ) from None  # fmt: skip
    tls = config.tls_server_config
    if tls is None:
        return config
    beside = {name: path.parent / value for name in ("cert_file", "key_file", "client_ca_file")
              if (value := getattr(tls, name)) is not None}  # fmt: skip
    return config.model_copy(update={"tls_server_config": tls.model_copy(update=beside)})


def tls_context(tls: TlsServer, path: Path) -> ssl.SSLContext:
    """Settings of TLS.

    Args:
        tls: what the file says.
        path: the file, for faults.

    Raises:
        InvalidFile: a certificate or key cannot be used, or everybody may read the key.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if tls.min_version == "TLS13" else ssl.TLSVersion.TLSv1_2
    key = "key_file"
    try:
        if tls.key_file.stat().st_mode & _BY_OTHERS:
            raise _invalid(path, key, f"{tls.key_file}: everybody may read the key: chmod 600 it")
        key = "cert_file"
        context.load_cert_chain(tls.cert_file, tls.key_file)
        if tls.client_auth_type != "NoClientCert":
            key = "client_ca_file"
            if tls.client_ca_file is None:
                raise _invalid(path, "client_auth_type", f"{tls.client_auth_type} needs a client_ca_file")
            context.load_verify_locations(tls.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as fault:
        raise _invalid(path, key, f"{getattr(tls, key)}: cannot be used: {fault.strerror or fault}") from None
    return context


def _invalid(path: Path, key: str, message: str) -> InvalidFile:
    return InvalidFile([documents.read(path).problem(("tls_server_config", key), f"{key}: {message}")])


def _sentence(location: tuple[str | int, ...], kind: str, message: str) -> str:
    name = ".".join(str(step) for step in location) or "the file"
    if kind == "extra_forbidden":
        return f"{name}: this listener knows no such key"
    if location[:1] == ("basic_auth_users",):
        return f"{name}: must be name: bcrypt, such as `htpasswd -nBC 12 NAME` prints"
    return f"{name}: {message}"
