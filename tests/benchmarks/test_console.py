"""The servers that the console's bars start, and end."""

from __future__ import annotations

import sys

import httpx
import pytest

from dev.benchmarks.console import started

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("a line of the log", "x" * 50_000, flush=True)
        self.send_response(204)
        self.end_headers()
with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
    print("something else first", flush=True)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
"""


def test_a_server_is_there_within_the_block_and_may_log_much() -> None:
    with started([sys.executable, "-c", SERVER], {}) as address:
        for _ in range(4):
            assert httpx.get(address, timeout=10, trust_env=False).status_code == 204
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, timeout=10, trust_env=False)


def test_a_server_that_never_serves_is_an_error() -> None:
    with (
        pytest.raises(RuntimeError, match="ended before it served"),
        started([sys.executable, "-c", "print('no address')"], {}),
    ):
        pass
