"""Calls over https to hosts that callers named, bounded in time and in bytes; see ports.OutsideCaller."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import cast

from tidegate.adapters.http_out.network import Network, SystemNetwork, connect
from tidegate.domain.addresses import Reach, Target, target_of
from tidegate.domain.outside_calls import Answer, CallFailed, Fault
from tidegate.ports import Stopwatch

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 15.0
ANSWER_BYTES = 1_024
_HEAD_BYTES = 32_768  # the most bytes of an answer's status and headers that are read
_SENT_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class HttpsCaller:
    """Posts to https URLs.

    `connect_seconds` bound the lookup and the connection, `whole_seconds` the call. `answer_bytes` of a body are read.
    `trust` says which certificates count; None takes those that the system trusts.
    """

    stopwatch: Stopwatch
    reach: Reach = Reach.PUBLIC
    network: Network = field(default_factory=SystemNetwork)
    trust: ssl.SSLContext | None = None
    connect_seconds: float = CONNECT_SECONDS
    whole_seconds: float = WHOLE_SECONDS
    answer_bytes: int = ANSWER_BYTES

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Posts a body and returns the answer. Raises CallFailed if none came."""
        end_ms = self.stopwatch.now_ms() + int(self.whole_seconds * 1_000)
        try:
            target = target_of(url, self.reach)
        except ValueError as error:
            raise CallFailed(Fault.BAD_URL, f"the URL {error}") from error
        request = _request(target, headers, body)
        plain = connect(self.network, target, self.reach, self.stopwatch, self.connect_seconds)
        try:
            return self._exchange(plain, target, request, end_ms)
        except TimeoutError as error:
            raise CallFailed(
                Fault.TIMED_OUT, f"{target.host} did not answer within {self.whole_seconds:g} s"
            ) from error
        except ssl.SSLError as error:
            raise CallFailed(Fault.NO_TRUST, f"TLS with {target.host} failed: {_said(error)}") from error
        except (HTTPException, ValueError) as error:
            raise CallFailed(Fault.BAD_ANSWER, f"{target.host} did not answer in HTTP") from error
        except OSError as error:
            raise CallFailed(Fault.NO_CONNECTION, f"{target.host} closed the connection") from error
        finally:
            plain.close()

    def _exchange(self, plain: socket.socket, target: Target, request: bytes, end_ms: int) -> Answer:
        bound = _Bound(self.stopwatch, end_ms)
        trust = self.trust or ssl.create_default_context()
        plain.settimeout(bound.left_seconds())
        with trust.wrap_socket(plain, server_hostname=target.host) as stream:
            for start in range(0, len(request), _SENT_AT_ONCE):
                stream.settimeout(bound.left_seconds())
                stream.sendall(request[start : start + _SENT_AT_ONCE])
            reader = _Reader(stream, bound, _HEAD_BYTES + self.answer_bytes)
            # HTTPResponse asks its socket for a file and for nothing else.
            response = HTTPResponse(cast("socket.socket", _AsFile(reader)), method="POST")
            with response:
                response.begin()
                read = self._body_of(response)
        if read is None:
            return Answer(response.status, cut=True)
        return Answer(response.status, read[: self.answer_bytes], cut=len(read) > self.answer_bytes)

    def _body_of(self, response: HTTPResponse) -> bytes | None:
        """Returns the first bytes of a body, None if it did not come. The status says enough without it."""
        try:
            read = response.read(self.answer_bytes + 1)
        except (OSError, HTTPException, ValueError):
            return None
        # A connection that ends too early is no error where a number of bytes is asked for.
        broke_off = len(read) <= self.answer_bytes and bool(response.length)
        return None if broke_off else read


@dataclass(frozen=True, slots=True)
class _Bound:
    """The end of a call's time."""

    stopwatch: Stopwatch
    end_ms: int

    def left_seconds(self) -> float:
        """Returns the seconds that are left. Raises TimeoutError if none are."""
        left_ms = self.end_ms - self.stopwatch.now_ms()
        if left_ms <= 0:
            raise TimeoutError("the time of the call is over")
        return left_ms / 1_000


class _Reader(io.RawIOBase):
    """Reads from a connection until a call's end. A receiver that sends byte by byte gains no time by it."""

    def __init__(self, stream: ssl.SSLSocket, bound: _Bound, most_bytes: int) -> None:
        self._stream = stream
        self._bound = bound
        self._left_bytes = most_bytes

    def readable(self) -> bool:
        """Tells that this can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # always given a memoryview
        """Reads what is there. Raises HTTPException after `most_bytes`, TimeoutError after the call's end."""
        if self._left_bytes <= 0:
            raise HTTPException("the head of the answer is too long")
        self._stream.settimeout(self._bound.left_seconds())
        read = self._stream.recv_into(buffer[: self._left_bytes])
        self._left_bytes -= read
        return read


@dataclass(frozen=True, slots=True)
class _AsFile:
    """The part of a socket that HTTPResponse uses."""

    reader: _Reader

    def makefile(self, mode: str) -> io.BufferedReader:
        """Returns the file that the answer is read from."""
        del mode  # always "rb"
        return io.BufferedReader(self.reader)


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    """Returns the bytes of a request. Raises CallFailed for a header that would end early."""
    sent = {"host": target.authority, "content-length": str(len(body)), "connection": "close", **headers}
    for name, value in sent.items():
        if not (name.isascii() and value.isascii() and name.isprintable() and value.isprintable()):
            raise CallFailed(Fault.BAD_URL, f"the header {name!a} can't be sent; use printable ASCII")
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + body


def _said(error: ssl.SSLError) -> str:
    """Returns the reason of a TLS failure, without the place in the library's source."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return (error.reason or "no reason given").lower().replace("_", " ")
