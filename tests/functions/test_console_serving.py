"""A request for the console gets a file with its headers, or the page for its depth; nothing leads out of the build."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.console.built import CONTENTS, NOTICES, PICTURE, SCRIPT, STYLE, build_in
from tidegate.console.bundle import Bundle, load_bundle
from tidegate.console.page import PageConfig, SignIn, base_of, config_from
from tidegate.console.serving import MAX_PATH_CHARACTERS, Asked, Served, serve, takes_gzip

NONCE = "c29tZXRoaW5nIG5ldw"
ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"
PAGES = "https://jobs.auth.eu-west-1.amazoncognito.com"
SIGN_IN = SignIn(ISSUER, "client1", ("tidegate/read", "tidegate/submit"), PAGES)
HOSTILE = "</script><script>alert(1)</script><!--\u2028&amp;"


class Elements(HTMLParser):
    """The elements of a page in their order, with their attributes, and the text of the configuration."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, Mapping[str, str | None]]] = []
        self.config = ""
        self._in_config = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._in_config = dict(attrs).get("id") == "config"

    def handle_endtag(self, tag: str) -> None:
        self._in_config = False

    def handle_data(self, data: str) -> None:
        self.config += data if self._in_config else ""

    def all(self, tag: str) -> list[Mapping[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    found = load_bundle(build_in(tmp_path_factory.mktemp("dist")))
    assert found is not None
    return found


def ask(
    bundle: Bundle | None,
    path: str,
    method: str = "GET",
    *,
    gzipped: bool = False,
    config: PageConfig | None = None,
) -> Served:
    return serve(bundle, Asked(method, path, gzipped), config or PageConfig("jobs"), NONCE)


def policy_of(answer: Served) -> dict[str, list[str]]:
    directives = [each.split() for each in answer.headers["Content-Security-Policy"].split("; ")]
    return {name: values for name, *values in directives}


@pytest.mark.parametrize(
    ("name", "media_type"),
    [(SCRIPT, "text/javascript"), (STYLE, "text/css"), (PICTURE, "image/svg+xml")],
)
def test_a_hashed_file_is_kept_for_ever(built: Bundle, name: str, media_type: str) -> None:
    answer = ask(built, f"/{name}")
    assert (answer.status, answer.content.decode()) == (200, CONTENTS[name])
    assert answer.headers["Content-Type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_file_without_a_hash_is_asked_for_anew(built: Bundle) -> None:
    assert ask(built, f"/{NOTICES}").headers["Cache-Control"] == "no-cache"


def test_a_compressed_form_goes_to_those_who_take_it(built: Bundle) -> None:
    answer = ask(built, f"/{SCRIPT}", gzipped=True)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content).decode() == CONTENTS[SCRIPT]
    plain = ask(built, f"/{SCRIPT}")
    assert "Content-Encoding" not in plain.headers
    assert answer.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in ask(built, f"/{STYLE}", gzipped=True).headers


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0.10", True),
        ("", False),
        ("br, deflate", False),
        ("gzip;q=0", False),
        ("gzip; q = 0.000, br", False),
        ("x-gzip", False),
    ],
)
def test_a_browser_says_whether_it_takes_gzip(header: str, takes: bool) -> None:
    assert takes_gzip(header) is takes


@pytest.mark.parametrize(
    "path",
    ["", "/", "/index.html", "/jobs", "/jobs/01JD3V8Q5S2Y6W9K4M7N0P1R2T", "/types/text.reduce", "/a/"],
)
def test_every_path_of_a_screen_gets_the_page(built: Bundle, path: str) -> None:
    answer = ask(built, path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["Cache-Control"] == "no-store"
    (base,) = Elements(answer.content.decode()).all("base")
    for before in ("https://host", "https://host/live", "http://127.0.0.1:4566/_aws/execute-api/abc/live"):
        assert urljoin(f"{before}/console{path}", base["href"]) == f"{before}/console/"


@given(st.text(alphabet="/ab.%", max_size=30))
def test_the_base_holds_nothing_of_the_path(rest: str) -> None:
    assert re.fullmatch(r"\./|(\.\./)+", base_of(f"/{rest}"))


@pytest.mark.parametrize(
    "path",
    [
        "/assets/index-ffffffff.js",
        "/assets",
        "/assets/",
        "/favicon.ico",
        "/.env",
        "/index.html.gz",
        f"/{SCRIPT}.gz",
    ],
)
def test_a_file_that_is_not_there_is_not_found(built: Bundle, path: str) -> None:
    assert ask(built, path).status == 404


@pytest.mark.parametrize(
    "path",
    ["/../app.py", "/assets/../../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/a/../../../etc/passwd", "/\0"],
)
def test_no_path_leads_out_of_the_build(built: Bundle, path: str) -> None:
    answer = ask(built, path)
    assert answer.status in (200, 404)
    if answer.status == 200:
        assert answer.content == ask(built, "/" + "a/" * (path.count("/") - 1)).content


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
def test_other_methods_are_refused(built: Bundle, method: str) -> None:
    answer = ask(built, "/", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", f"/{SCRIPT}", "/assets/none.js"])
def test_head_is_get_without_content(built: Bundle, path: str) -> None:
    head, get = ask(built, path, "HEAD"), ask(built, path)
    assert (head.status, head.headers, head.content) == (get.status, get.headers, b"")


def test_a_path_is_bounded(built: Bundle) -> None:
    assert ask(built, "/" * MAX_PATH_CHARACTERS).status == 200
    assert ask(built, "/" * (MAX_PATH_CHARACTERS + 1)).status == 414


def test_without_a_build_it_says_how_to_make_one() -> None:
    answer = ask(None, "/")
    assert answer.status == 503
    assert b"make console" in answer.content


@pytest.mark.parametrize("path", ["/", f"/{SCRIPT}", "/assets/none.js"])
def test_every_answer_is_closed_to_others(built: Bundle, path: str) -> None:
    headers = ask(built, path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_policy_allows_what_the_page_needs_and_nothing_inline(built: Bundle) -> None:
    answer = ask(built, "/", config=PageConfig("jobs", SIGN_IN))
    policy = policy_of(answer)
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["script-src"] == [f"'nonce-{NONCE}'", "'strict-dynamic'"]
    assert policy["style-src"] == ["'self'", f"'nonce-{NONCE}'"]
    assert policy["base-uri"] == ["'self'"]
    assert policy["connect-src"] == ["'self'", "https://cognito-idp.eu-west-1.amazonaws.com", PAGES]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert policy_of(ask(built, "/"))["connect-src"] == ["'self'"]


@pytest.mark.parametrize(
    ("path", "sign_in", "value"),
    [
        ("/", None, "same-origin"),
        ("/signed-in", None, "same-origin"),
        ("/jobs", SIGN_IN, "same-origin-allow-popups"),
        ("/signed-in", SIGN_IN, "unsafe-none"),
        ("/x/signed-in", SIGN_IN, "same-origin-allow-popups"),
    ],
)
def test_the_window_of_a_sign_in_finds_its_way_back(
    built: Bundle, path: str, sign_in: SignIn | None, value: str
) -> None:
    headers = ask(built, path, config=PageConfig("jobs", sign_in)).headers
    assert headers["Cross-Origin-Opener-Policy"] == value


@pytest.mark.parametrize(
    "issuer", ["https://a.example; script-src *", "javascript:x", "https://u@a.example", "x"]
)
def test_an_issuer_that_is_no_address_gets_into_no_policy(built: Bundle, issuer: str) -> None:
    answer = ask(built, "/", config=PageConfig("jobs", SignIn(issuer, "c", ())))
    assert policy_of(answer)["connect-src"] == ["'self'"]
    assert policy_of(answer)["script-src"] == [f"'nonce-{NONCE}'", "'strict-dynamic'"]


def test_each_element_that_runs_or_styles_has_the_nonce(built: Bundle) -> None:
    elements = Elements(ask(built, "/").content.decode())
    marked = [attributes for tag in ("script", "style", "link") for attributes in elements.all(tag)]
    assert len(marked) == 4
    assert all(attributes["nonce"] == NONCE for attributes in marked)
    assert {"property": "csp-nonce", "nonce": NONCE} in elements.all("meta")
    assert elements.found.index(("base", {"href": "./"})) < elements.found.index(("script", marked[0]))


def test_the_page_knows_its_configuration(built: Bundle) -> None:
    found = json.loads(Elements(ask(built, "/", config=PageConfig("jobs", SIGN_IN)).content.decode()).config)
    assert found.pop("version")
    assert found == {
        "apiUrl": "../",
        "stack": "jobs",
        "signIn": {
            "issuer": ISSUER,
            "clientId": "client1",
            "scopes": ["tidegate/read", "tidegate/submit"],
            "pages": PAGES,
        },
        "pageToken": None,
    }


def test_no_text_of_the_configuration_ends_its_element(built: Bundle) -> None:
    page = ask(built, "/", config=PageConfig(HOSTILE)).content.decode()
    assert "alert(1)</script>" not in page
    assert json.loads(Elements(page).config)["stack"] == HOSTILE


def test_the_stage_of_the_api_holds_the_configuration() -> None:
    variables = {
        "stack": "jobs",
        "issuer": ISSUER,
        "client_id": "client1",
        "sign_in_pages": PAGES,
    }
    scopes = ("openid", "tidegate/read", "tidegate/submit", "tidegate/operate")
    assert config_from(variables) == PageConfig("jobs", replace(SIGN_IN, scopes=scopes))
    assert config_from({}) == config_from({"issuer": ISSUER}) == PageConfig("tidegate")


def test_a_build_that_changes_is_not_read_again(built: Bundle, tmp_path: Path) -> None:
    folder = build_in(tmp_path)
    found = load_bundle(folder)
    (folder / STYLE).write_text("changed", encoding="utf-8")
    assert ask(found, f"/{STYLE}").content == ask(built, f"/{STYLE}").content
