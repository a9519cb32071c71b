"""The network beneath a call: it looks up a host once, and connects to an address as it was checked."""

from __future__ import annotations

import socket
import threading
from typing import Protocol

from tidegate.domain.addresses import Reach, Target, first_refusal
from tidegate.domain.outside_calls import CallFailed, Fault
from tidegate.ports import Stopwatch

_TRIED_ADDRESSES = 4  # of a host, before the call counts as not connected


class Network(Protocol):
    """Looks up hosts and opens connections."""

    def resolve(self, host: str, port: int, timeout_seconds: float) -> tuple[str, ...]:
        """Returns the addresses of a host. Raises OSError, TimeoutError after `timeout_seconds`."""
        ...

    def dial(self, address: str, port: int, timeout_seconds: float) -> socket.socket:
        """Returns a connection to an address. Raises OSError, TimeoutError after `timeout_seconds`."""
        ...


class SystemNetwork:
    """The network of the operating system. It asks no proxy."""

    def resolve(self, host: str, port: int, timeout_seconds: float) -> tuple[str, ...]:
        """Returns the addresses of a host, in the order in which the system would try them."""
        found: list[tuple[str, ...]] = []
        failed: list[OSError] = []

        def look_up() -> None:
            try:
                answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                found.append(tuple(dict.fromkeys(str(answer[4][0]) for answer in answers)))
            except OSError as error:
                failed.append(error)
            except UnicodeError as error:  # a label that is too long, or empty
                failed.append(OSError(str(error)))

        # The lookup takes no timeout, so another thread does it. That thread ends when the resolver gives up.
        thread = threading.Thread(target=look_up, name="tidegate-lookup", daemon=True)
        thread.start()
        thread.join(timeout_seconds)
        if found:
            return found[0]
        raise failed[0] if failed else TimeoutError("the lookup took too long")

    def dial(self, address: str, port: int, timeout_seconds: float) -> socket.socket:
        """Returns a connection to an address."""
        return socket.create_connection((address, port), timeout=timeout_seconds)


def connect(
    network: Network, target: Target, reach: Reach, stopwatch: Stopwatch, seconds: float
) -> socket.socket:
    """Returns a connection to one of the addresses of a target, within `seconds`.

    The host is looked up once. Every address is checked, and the connection goes to an address that was checked, never
    to the name again, whose next answer may be another one. Raises CallFailed.
    """
    end_ms = stopwatch.now_ms() + int(seconds * 1_000)
    try:
        addresses = network.resolve(target.host, target.port, seconds)
    except TimeoutError as error:
        raise CallFailed(
            Fault.TIMED_OUT, f"looking up {target.host} took longer than {seconds:g} s"
        ) from error
    except OSError as error:
        raise CallFailed(Fault.UNKNOWN_HOST, f"the host {target.host} can't be found") from error
    if not addresses:
        raise CallFailed(Fault.UNKNOWN_HOST, f"the host {target.host} has no address")
    refusal = None if reach is Reach.ANY else first_refusal(addresses)
    if refusal:
        raise CallFailed(
            Fault.REFUSED_ADDRESS, f"the host {target.host} is not on the public internet: {refusal}"
        )
    last: OSError | None = None
    for address in addresses[:_TRIED_ADDRESSES]:
        left_seconds = (end_ms - stopwatch.now_ms()) / 1_000
        if left_seconds <= 0:
            break
        try:
            return network.dial(address, target.port, left_seconds)
        except OSError as error:
            last = error
    if last is None or isinstance(last, TimeoutError):
        raise CallFailed(Fault.TIMED_OUT, f"no connection to {target.host} within {seconds:g} s") from last
    raise CallFailed(Fault.NO_CONNECTION, f"the host {target.host} takes no connection") from last
