"""The client asks for compressed answers and reads them."""

from __future__ import annotations

import gzip
import json

import httpx

from tests.harness.cli.samples import client_of
from tests.harness.tables import resources


def test_a_compressed_answer_is_read() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["accept-encoding"])
        body = gzip.compress(json.dumps({"types": [{"type": "tidegate.noop"}]}).encode())
        return httpx.Response(200, content=body, headers={"content-encoding": "gzip"})

    assert client_of(handler)._call("GET", "/v1/types") == {"types": [{"type": "tidegate.noop"}]}
    assert "gzip" in asked[0].split(", ")


def test_the_gateway_compresses_pages_of_jobs() -> None:
    assert resources()["Api"]["Properties"]["MinimumCompressionSize"] <= 2_048
