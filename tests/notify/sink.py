"""A real mail server for tests: it keeps what it takes, and does what a bad one does when it is told to."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import warnings
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Sink:
    """`letters` in the order they came; `refuse` answers RCPT; `at_data` is called when a letter is all there."""

    def __init__(self, port: int = 0, **more: Any) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refuse: dict[str, str] = {}
        self.at_data: Callable[[], str | None] = lambda: None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # aiosmtpd speaks of its own age
            self._server = _Controller(self, hostname="127.0.0.1", port=port, ready_timeout=30, **more)
            self._server.start()
        self.port: int = self._server.server.sockets[0].getsockname()[1]

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:  # fmt: skip
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        found = BytesParser(policy=policy.default).parsebytes(envelope.content)
        assert isinstance(found, EmailMessage)
        said = self.at_data()
        if said is not None:
            return said
        self.recipients.append(list(envelope.rcpt_tos))
        self.letters.append(found)
        return "250 OK"

    def close(self) -> None:
        self._server.stop()


class _Controller(Controller):
    """aiosmtpd's start asks the port that was given; ours is 0, so it is told which one it became."""

    def factory(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it takes TLS from the first byte for none
            return super().factory()

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def who(user: str, password: str) -> Callable[..., AuthResult]:
    """An authenticator that knows one user."""

    def known(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=good, handled=good)

    return known


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS for 127.0.0.1, and the file that whoever trusts it names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "sink.pem").write_bytes(pem)
    (folder / "sink.key").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "sink.pem", folder / "sink.key")
    return context, folder / "sink.pem"


def credentials(folder: Path, port: int, **more: Any) -> Path:
    """A credentials file for this sink."""
    path = folder / "credentials.json"
    path.touch(0o600)
    document = {"from": "farm@example.org", "to": "anna@example.org", "server": "127.0.0.1", "port": port, **more}
    path.write_text(json.dumps(document))
    return path
