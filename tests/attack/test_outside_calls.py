"""Hosts that callers named try to lead calls inside, to hold them, or to fill the memory."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.outside.receiver import LOOPBACK, PUBLIC, StagedNetwork, answer, receiving
from tidegate.adapters.http_out.call import HttpsCaller
from tidegate.adapters.http_out.network import SystemNetwork
from tidegate.adapters.system import SystemStopwatch
from tidegate.domain.addresses import Reach
from tidegate.domain.outside_calls import Answer, CallFailed, Fault

URL = "https://hooks.example.com/in?a=b"
Act = Callable[[ssl.SSLSocket], None]
FINE = answer("200 OK", b"thanks")


def _post(folder: Path, act: Act, network: StagedNetwork | None = None, seconds: float = 5.0) -> Answer:
    with receiving(folder, act) as receiver:
        staged = network or StagedNetwork(0)
        staged.port = receiver.port
        caller = HttpsCaller(SystemStopwatch(), network=staged, trust=receiver.trust, whole_seconds=seconds)
        return caller.post(URL, {"x-a": "b"}, b"{}")


def _fault(call: Callable[[], Answer]) -> Fault:
    with pytest.raises(CallFailed) as failed:
        call()
    assert "/in" not in str(failed.value), "the path may hold a secret of the receiver"
    return failed.value.fault


def test_a_receiver_gets_the_request_as_it_was_written(tmp_path: Path) -> None:
    with receiving(tmp_path, FINE) as receiver:
        network = StagedNetwork(receiver.port)
        caller = HttpsCaller(SystemStopwatch(), network=network, trust=receiver.trust)
        assert caller.post(URL, {"x-a": "b"}, b"{}" * 50_000) == Answer(200, b"thanks")
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /in?a=b HTTP/1.1"
    assert b"host: hooks.example.com" in head.split(b"\r\n")
    assert body == b"{}" * 50_000
    assert network.dialled == [(PUBLIC, 443)]


def test_a_name_is_looked_up_once_so_a_second_answer_leads_nowhere(tmp_path: Path) -> None:
    network = StagedNetwork(0, [(PUBLIC,), (LOOPBACK,)])
    assert _post(tmp_path, FINE, network).status == 200
    assert network.looked_up == ["hooks.example.com"]
    assert network.dialled == [(PUBLIC, 443)]


@pytest.mark.parametrize(
    "addresses", [(LOOPBACK,), (PUBLIC, "10.0.0.1"), ("64:ff9b::7f00:1",), (PUBLIC, "fe80::1%2")]
)
def test_a_name_with_a_refused_address_is_not_connected_to(
    tmp_path: Path, addresses: tuple[str, ...]
) -> None:
    network = StagedNetwork(0, [addresses])
    assert _fault(lambda: _post(tmp_path, FINE, network)) is Fault.REFUSED_ADDRESS
    assert network.dialled == []


def test_a_url_is_judged_again_before_the_call() -> None:
    network = StagedNetwork(1)
    caller = HttpsCaller(SystemStopwatch(), network=network)
    assert _fault(lambda: caller.post("https://127.0.0.1/in", {}, b"")) is Fault.BAD_URL
    assert network.looked_up == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_an_answer_and_is_not_followed(tmp_path: Path, status: str) -> None:
    network = StagedNetwork(0)
    got = _post(tmp_path, answer(status, b"", "location: https://169.254.169.254/"), network)
    assert got.status == int(status[:3])
    assert not got.is_success
    assert len(network.dialled) == 1


def test_a_huge_answer_is_read_to_its_first_bytes(tmp_path: Path) -> None:
    sent: list[int] = []

    def flood(stream: ssl.SSLSocket) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        for _ in range(10_000):
            stream.sendall(b"x" * 65_536)
            sent.append(65_536)

    got = _post(tmp_path, flood)
    assert got == Answer(200, b"x" * 1_024, cut=True)
    assert sum(sent) < 10_000_000


def test_a_huge_chunked_answer_is_read_to_its_first_bytes(tmp_path: Path) -> None:
    def flood(stream: ssl.SSLSocket) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(10_000):
            stream.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")

    assert _post(tmp_path, flood) == Answer(200, b"x" * 1_024, cut=True)


@pytest.mark.parametrize(
    "line", [b"a: " + b"b" * 60_000 + b"\r\n", b"a: b\r\n" * 10, b"HTTP/1.1 100 Continue\r\n\r\n"]
)
def test_endless_headers_end_the_call(tmp_path: Path, line: bytes) -> None:
    def flood(stream: ssl.SSLSocket) -> None:
        if not line.startswith(b"HTTP"):
            stream.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(20_000):
            stream.sendall(line)

    assert _fault(lambda: _post(tmp_path, flood)) is Fault.BAD_ANSWER


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nx: "])
def test_an_answer_that_drips_ends_with_the_time_of_the_call(tmp_path: Path, start: bytes) -> None:
    def drip(stream: ssl.SSLSocket) -> None:
        stream.sendall(start)
        for _ in range(100):
            stream.sendall(b"H")
            time.sleep(0.1)

    began = time.monotonic()
    assert _fault(lambda: _post(tmp_path, drip, seconds=1.0)) is Fault.TIMED_OUT
    assert time.monotonic() - began < 4


def test_a_body_that_never_comes_leaves_the_status(tmp_path: Path) -> None:
    def stall(stream: ssl.SSLSocket) -> None:
        stream.sendall(b"HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\n")
        time.sleep(1.5)

    assert _post(tmp_path, stall, seconds=1.0) == Answer(202, cut=True)


def test_a_receiver_that_does_not_shake_hands_ends_with_the_time_of_the_call() -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        caller = HttpsCaller(
            SystemStopwatch(), network=StagedNetwork(silent.getsockname()[1]), whole_seconds=0.5
        )
        assert _fault(lambda: caller.post(URL, {}, b"")) is Fault.TIMED_OUT


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00\xff\r\n\r\n"])
def test_an_answer_that_is_not_http_is_a_bad_answer(tmp_path: Path, said: bytes) -> None:
    assert _fault(lambda: _post(tmp_path, lambda stream: stream.sendall(said))) is Fault.BAD_ANSWER


def test_a_certificate_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    with receiving(tmp_path, FINE) as receiver:
        caller = HttpsCaller(SystemStopwatch(), network=StagedNetwork(receiver.port))
        assert _fault(lambda: caller.post(URL, {}, b"")) is Fault.NO_TRUST
    assert receiver.requests == []


def test_a_certificate_of_another_host_is_not_trusted(tmp_path: Path) -> None:
    with receiving(tmp_path, FINE) as receiver:
        caller = HttpsCaller(SystemStopwatch(), network=StagedNetwork(receiver.port), trust=receiver.trust)
        assert _fault(lambda: caller.post("https://other.example.com/in", {}, b"")) is Fault.NO_TRUST
    assert receiver.requests == []


def test_proxies_of_the_environment_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert _post(tmp_path, FINE).status == 200


def test_a_header_can_not_end_the_head_early() -> None:
    caller = HttpsCaller(SystemStopwatch(), network=StagedNetwork(1))
    assert _fault(lambda: caller.post(URL, {"a": "b\r\nc: d"}, b"")) is Fault.BAD_URL


def test_the_local_stack_reaches_loopback_by_the_systems_own_network(tmp_path: Path) -> None:
    with receiving(tmp_path, FINE) as receiver:
        url = f"https://{LOOPBACK}:{receiver.port}/in"
        near = HttpsCaller(SystemStopwatch(), Reach.ANY, trust=receiver.trust)
        assert near.post(url, {}, b"{}").status == 200
        far = HttpsCaller(SystemStopwatch(), trust=receiver.trust)
        assert _fault(lambda: far.post(url, {}, b"{}")) is Fault.BAD_URL
    assert len(receiver.requests) == 1
    assert f"host: {LOOPBACK}:{receiver.port}".encode() in receiver.requests[0]


def test_a_port_without_a_server_is_no_connection() -> None:
    with socket.create_server((LOOPBACK, 0)) as held:
        port = held.getsockname()[1]
    caller = HttpsCaller(SystemStopwatch(), Reach.ANY)
    assert _fault(lambda: caller.post(f"https://{LOOPBACK}:{port}/in", {}, b"")) is Fault.NO_CONNECTION


def test_the_system_looks_hosts_up_and_gives_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LOOPBACK in SystemNetwork().resolve("localhost", 443, 5)
    with pytest.raises(OSError, match=r"\w"):
        SystemNetwork().resolve("a" * 80 + ".invalid", 443, 5)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(0.3) or [])
    with pytest.raises(TimeoutError):
        SystemNetwork().resolve("localhost", 443, 0.05)


@pytest.mark.parametrize(
    ("error", "fault"),
    [(TimeoutError(), Fault.TIMED_OUT), (OSError(), Fault.UNKNOWN_HOST), (None, Fault.UNKNOWN_HOST)],
)
def test_a_host_that_can_not_be_looked_up_is_said(error: OSError | None, fault: Fault) -> None:
    class Nowhere(StagedNetwork):
        def resolve(self, host: str, port: int, timeout_seconds: float) -> tuple[str, ...]:
            if error is None:
                return ()
            raise error

    caller = HttpsCaller(SystemStopwatch(), network=Nowhere(1))
    assert _fault(lambda: caller.post(URL, {}, b"")) is fault
