"""The local stack serves the console's files behind the API for bearer tokens, and `tidegate console` signs for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from tests.harness.console.built import build_in
from tests.harness.e2e.looks import becomes
from tidegate.console.bundle import load_bundle
from tidegate_cli.console.gate import PAGE_HEADER
from tidegate_cli.console.server import serving
from tidegate_cli.target import local_target
from tidegate_devstack import StackInfo

_CONFIG = re.compile(r'id="config"[^>]*>([^<]*)</script>')


@pytest.fixture(scope="module")
def browser() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=60, headers={"sec-fetch-site": "none"}) as client:
        yield client


def config_of(page: str) -> dict[str, Any]:
    (text,) = _CONFIG.findall(page)
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_stack_serves_the_console_to_anyone(
    stack: StackInfo, browser: httpx.Client, console_is_built: bool
) -> None:
    address = f"{stack.oauth_api_url}/console"
    for path in ("", "/", "/jobs/01JD3V8Q5S2Y6W9K4M7N0P1R2T", "/types/text.reduce"):
        answer = browser.get(f"{address}{path}")
        if not console_is_built:  # as where npm can't be reached: the deployment goes on without the console
            assert (answer.status_code, "make console" in answer.text) == (503, True)
            continue
        assert answer.status_code == 200
        (base,) = re.findall('<base href="([^"]*)"', answer.text)
        assert urljoin(f"{address}{path}", base) == f"{address}/"
        sign_in = config_of(answer.text)["signIn"]
        assert sign_in["pages"] == stack.endpoint_url
        for name in re.findall('(?:src|href)="([.]/assets/[^"]*)"', answer.text):
            file = browser.get(urljoin(f"{address}/", name))
            assert (file.status_code, "immutable" in file.headers["cache-control"]) == (200, True)


def test_the_console_brings_the_licences_of_its_packages(
    stack: StackInfo, browser: httpx.Client, console_is_built: bool
) -> None:
    if not console_is_built:
        pytest.skip("the console was not built: npm can't be reached")
    answer = browser.get(f"{stack.oauth_api_url}/console/third-party.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    for package in ("react-dom", "@mui/material", "oauth4webapi"):
        name, _, text = answer.text.partition(f"## {package} - ")[2].partition("\n## ")[0].partition("\n")
        assert "(" in name
        assert "opyright" in text


def test_the_console_s_function_takes_no_other_method(stack: StackInfo, browser: httpx.Client) -> None:
    assert browser.post(f"{stack.oauth_api_url}/console/").status_code in (403, 404, 405)


def test_a_page_on_loopback_calls_the_stack_with_the_users_rights(
    stack: StackInfo, browser: httpx.Client, tmp_path: Path
) -> None:
    bundle = load_bundle(build_in(tmp_path))
    assert bundle is not None
    with serving(bundle, local_target(stack)) as served:
        config = config_of(browser.get(served.address).text)
        api = urljoin(served.address, config["apiUrl"])
        word = {PAGE_HEADER: config["pageToken"]}
        me = browser.get(f"{api}v1/me", headers=word)
        assert (me.status_code, "arn:aws:iam::" in me.text) == (200, True)
        again = browser.get(f"{api}v1/me", headers={**word, "if-none-match": me.headers["etag"]})
        assert again.status_code == 304
        key = {**word, "idempotency-key": "console-e2e", "content-type": "application/json"}
        first, second = (
            browser.post(f"{api}v1/jobs", headers=key, content=b'{"type":"tidegate.noop","name":"a b/c+d"}')
            for _ in range(2)
        )
        assert (first.status_code, first.json()["job_id"]) == (201, second.json()["job_id"])
        # A list is read state by state, so one whose state changes meanwhile may be missing.
        becomes(
            lambda: browser.get(f"{api}v1/jobs/{first.json()['job_id']}", headers=word).json()["state"],
            "SUCCEEDED",
        )
        found = browser.get(f"{api}v1/jobs?name=a+b%2Fc%2b&state=SUCCEEDED&limit=5", headers=word)
        assert [job["job_id"] for job in found.json()["jobs"]] == [first.json()["job_id"]]
        assert browser.get(f"{api}v1/me").status_code == 401
