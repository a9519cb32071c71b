"""A Redis server for one benchmark, on a free loopback port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tidegate_devstack import processes

# The data that each row's server keeps when it dies: nothing, or all but about the last second.
PERSISTENCE = {
    "memory": ("--save", "", "--appendonly", "no"),
    "everysec": ("--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
}
_START_SECONDS = 10.0
_STOP_SECONDS = 10.0


def find_redis() -> str | None:
    """Returns the path of redis-server, or None."""
    return shutil.which("redis-server")


@contextmanager
def redis_server(program: str, persistence: str) -> Iterator[str]:
    """Runs a server with one of PERSISTENCE. Yields its URL, and ends it by its process id."""
    port = processes.free_port()
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-redis-") as folder:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
        child = subprocess.Popen(
            [*command, *PERSISTENCE[persistence]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_it_answers(child, port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            child.terminate()
            try:
                child.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(_STOP_SECONDS)


def _wait_until_it_answers(child: subprocess.Popen[bytes], port: int) -> None:
    deadline_s = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline_s and child.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"redis-server does not answer on port {port}")
