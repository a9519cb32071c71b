"""An https server on loopback with a certificate of its own authority, and a network that leads to it."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"
PUBLIC = "93.184.215.14"  # an address of the public internet; nothing is ever sent there
_DAY = datetime.timedelta(days=1)


@dataclass(slots=True)
class StagedNetwork:
    """Answers lookups from a list, the last of which repeats, and leads every connection to a port on loopback.

    `looked_up` and `dialled` keep what was asked.
    """

    port: int
    answers: list[tuple[str, ...]] = field(default_factory=lambda: [(PUBLIC,)])
    looked_up: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)

    def resolve(self, host: str, port: int, timeout_seconds: float) -> tuple[str, ...]:
        """Returns the next answer."""
        del port, timeout_seconds
        self.looked_up.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def dial(self, address: str, port: int, timeout_seconds: float) -> socket.socket:
        """Returns a connection to the port on loopback."""
        self.dialled.append((address, port))
        return socket.create_connection((LOOPBACK, self.port), timeout=timeout_seconds)


@dataclass(slots=True)
class Receiver:
    """A server. `requests` are the bytes of each request that it read.

    `authority` is the certificate, in PEM, that its clients must trust.
    """

    port: int
    authority: str
    requests: list[bytes]

    @property
    def trust(self) -> ssl.SSLContext:
        """Returns the context of a client that trusts the receiver's authority alone."""
        return ssl.create_default_context(cadata=self.authority)


def answer(status: str, body: bytes = b"", *headers: str) -> Callable[[ssl.SSLSocket], None]:
    """Returns what a receiver does that answers at once."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""])

    def send(stream: ssl.SSLSocket) -> None:
        stream.sendall(head.encode() + body)

    return send


@contextmanager
def receiving(
    folder: Path, act: Callable[[ssl.SSLSocket], None], host: str = "hooks.example.com"
) -> Iterator[Receiver]:
    """Serves https on loopback as `host` until the block ends. `act` answers each request once it was read."""
    served, authority = _served(folder, host)
    listener = socket.create_server((LOOPBACK, 0))
    listener.settimeout(0.2)
    stopped = threading.Event()
    receiver = Receiver(listener.getsockname()[1], authority, [])

    def serve() -> None:
        while not stopped.is_set():
            try:
                plain, _ = listener.accept()
            except TimeoutError:
                continue
            try:
                plain.settimeout(5)
                with served.wrap_socket(plain, server_side=True) as stream:
                    receiver.requests.append(_request_of(stream))
                    act(stream)
            except OSError:
                continue  # the client went away, as some tests want

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        stopped.set()
        thread.join(10)
        listener.close()


def _request_of(stream: ssl.SSLSocket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        read += stream.recv(65_536)
    head, _, body = read.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += stream.recv(65_536)
    return head + b"\r\n\r\n" + body


def _served(folder: Path, host: str) -> tuple[ssl.SSLContext, str]:
    """Returns the context of a server, and the certificate of its authority in PEM."""
    now = datetime.datetime.now(datetime.UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of tests")])
    root = (
        x509.CertificateBuilder()
        .subject_name(authority)
        .issuer_name(authority)
        .public_key(authority_key.public_key())
        .serial_number(1)
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names: list[x509.GeneralName] = [
        x509.DNSName(host),
        x509.IPAddress(ipaddress.ip_address(LOOPBACK)),
    ]
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]))
        .issuer_name(authority)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .add_extension(_usage(signs_certificates=False), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    chain = folder / "server.pem"
    chain.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(chain)
    return served, root.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
