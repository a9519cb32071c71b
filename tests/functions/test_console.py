"""The console's function answers proxy events, before it was built too."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.harness.console.built import CONTENTS, SCRIPT, build_in
from tests.harness.functions.api_calls import read_event
from tests.harness.tracked import ROOT
from tidegate.console.bundle import load_bundle
from tidegate.entry.console import handle


def event(path: str, method: str = "GET", **variables: str) -> dict[str, Any]:
    return {
        "resource": "/console/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Accept-Encoding": "gzip, br"},
        "multiValueHeaders": None,
        "pathParameters": None,
        "queryStringParameters": {"x": "</script>"},
        "stageVariables": variables or None,
        "requestContext": {"path": f"/live{path}"},
        "body": None,
        "isBase64Encoded": False,
    }


def answer(path: str, tmp_path: Path, **variables: str) -> dict[str, Any]:
    return handle(event(path, **variables), load_bundle(build_in(tmp_path)), "n0nce")


@pytest.mark.parametrize("before", ["", "/jobs-of-us", "/console-of-us"])
def test_a_file_is_found_behind_any_prefix(tmp_path: Path, before: str) -> None:
    found = answer(f"{before}/console/{SCRIPT}", tmp_path)
    assert (found["statusCode"], found["body"]) == (200, CONTENTS[SCRIPT])


def test_the_answer_is_text_that_the_gateway_compresses(tmp_path: Path) -> None:
    found = answer(f"/console/{SCRIPT}", tmp_path)
    assert found["isBase64Encoded"] is False
    assert "Content-Encoding" not in found["headers"]


@pytest.mark.parametrize(
    ("path", "base"),
    [("/console", "console/"), ("/console/", "./"), ("/console/jobs/x", "../"), ("/console/console", "./")],
)
def test_the_page_is_relative_to_the_consoles_folder(tmp_path: Path, path: str, base: str) -> None:
    assert f'<base href="{base}">' in answer(path, tmp_path)["body"]


def test_the_page_gets_its_configuration_from_the_stage(tmp_path: Path) -> None:
    variables = {
        "stack": "jobs",
        "issuer": "https://a.example/pool",
        "client_id": "c",
    }
    found = answer("/console/", tmp_path, **variables)
    assert '"stack":"jobs"' in found["body"]
    assert "connect-src 'self' https://a.example;" in found["headers"]["Content-Security-Policy"]


def test_nothing_of_the_query_gets_into_the_page(tmp_path: Path) -> None:
    assert (
        answer("/console/", tmp_path)["body"]
        == handle({**event("/console/"), "queryStringParameters": None}, load_bundle(tmp_path), "n0nce")[
            "body"
        ]
    )


def test_the_sample_event_gets_the_page_with_its_sign_in(tmp_path: Path) -> None:
    found = handle(read_event("console-page"), load_bundle(build_in(tmp_path)), "n0nce")
    assert found["statusCode"] == 200
    assert '<base href="../">' in found["body"]
    assert '"clientId":"3n4b5urk1ft4fl3mg5e62d9ado"' in found["body"]
    policy = found["headers"]["Content-Security-Policy"]
    assert "https://tidegate-5b6f3c1e.auth.eu-central-1.amazoncognito.com;" in policy


def test_no_header_gets_into_the_page(tmp_path: Path) -> None:
    asked = event("/console/", issuer="https://a.example/pool", client_id="c")
    bundle = load_bundle(build_in(tmp_path))
    bare = handle({**asked, "headers": None}, bundle, "n0nce")
    headers = {"Host": "127.0.0.1:1", "X-Forwarded-Host": "evil.example", "Referer": "https://evil.example"}
    assert handle({**asked, "headers": headers}, bundle, "n0nce") == bare
    assert '"pages":null' in bare["body"]


def test_a_deployment_without_the_console_says_so() -> None:
    found = handle(event("/console/"), None, "n0nce")
    assert found["statusCode"] == 503
    assert "make console" in found["body"]


def test_each_answer_has_a_nonce_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = runpy.run_path(str(ROOT / "functions" / "console" / "app.py"))
    monkeypatch.setitem(app["lambda_handler"].__globals__, "_BUNDLE", load_bundle(build_in(tmp_path)))
    pages = [app["lambda_handler"](event("/console/"), None) for _ in range(3)]
    policies = [page["headers"]["Content-Security-Policy"] for page in pages]
    nonces = [re.findall("'nonce-([^']+)'", policy) for policy in policies]
    assert len({nonce for found in nonces for nonce in found}) == 3
    assert all(len(nonce) >= 22 for found in nonces for nonce in found)  # 128 bits
    assert all(f'nonce="{found[0]}"' in page["body"] for found, page in zip(nonces, pages, strict=True))


def test_another_method_is_refused() -> None:
    assert handle(event("/console/", "POST"), None, "n0nce")["statusCode"] == 405
