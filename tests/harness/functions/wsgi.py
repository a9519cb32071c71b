"""The API function over memory as a WSGI application, so that programs which speak HTTP can call it in this process."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from dev.scripts.openapi import KEPT
from tests.harness.functions.api_calls import ANN, CONTEXT, Api, read_event
from tidegate.api import app

StartResponse = Callable[[str, list[tuple[str, str]]], object]
DOCUMENT_PATH = "/openapi.json"
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 of ann"}
_JSON = {"Content-Type": ["application/json"]}
_STAGE = "/live"  # the first part of each path, which the gateway takes off


class WsgiApi:
    """A deployment in memory behind a gateway that passes on every request. `DOCUMENT_PATH` has the description.

    As API Gateway does, it takes the stage off the path, answers `/v1/health` itself, and refuses a request without
    the headers of `SIGNED`, which stand for a signature.
    """

    def __init__(self, api: Api) -> None:
        self.api = api

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace").removeprefix(_STAGE)
        if path == "/v1/health":
            if environ["REQUEST_METHOD"] == "GET":
                return self._answer(start_response, 200, _JSON, '{"status":"ok"}')
            return self._answer(start_response, 405, {"Allow": ["GET"]}, "")
        if path == DOCUMENT_PATH:
            return self._answer(start_response, 200, _JSON, KEPT.read_text(encoding="utf-8"))
        if environ.get("HTTP_AUTHORIZATION") != SIGNED["Authorization"]:
            return self._answer(start_response, 403, _JSON, '{"message":"Missing Authentication Token"}')
        answer = app.handle(_event(environ, path), self.api.deps, CONTEXT)
        return self._answer(start_response, answer["statusCode"], answer["multiValueHeaders"], answer["body"])

    def _answer(
        self, start_response: StartResponse, status: int, headers: dict[str, list[str]], body: str
    ) -> Iterable[bytes]:
        named = [(name, value) for name, values in headers.items() for value in values]
        start_response(f"{status} {HTTPStatus(status).phrase}", named)
        return [body.encode()]


def _event(environ: dict[str, Any], path: str) -> dict[str, Any]:
    """Returns the proxy event of a request."""
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    event = read_event("api-list-jobs")
    event |= {
        "httpMethod": environ["REQUEST_METHOD"],
        "path": path,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }
    event["requestContext"]["identity"]["userArn"] = ANN
    copied: dict[str, Any] = json.loads(json.dumps(event))
    return copied
