"""The answer to a request for a file of the console, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from tidegate.console.bundle import ASSETS, Asset, Bundle
from tidegate.console.page import PageConfig, opener_policy, policy, render

MAX_PATH_CHARACTERS = 2_048
NOT_BUILT = "The console was not built. Run `make console` in the checkout, then build and deploy again.\n"
METHODS = ("GET", "HEAD")
_FOR_EVER = "public, max-age=31536000, immutable"
_CHECKED = "no-cache"
_NEVER_KEPT = "no-store"
_PLAIN = "text/plain; charset=utf-8"
_OF_EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `path` is what stands behind `/console`, as it came: empty, or with a slash at its beginning."""

    method: str
    path: str
    takes_gzip: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """The answer to a request. `content` is empty for HEAD."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def serve(bundle: Bundle | None, asked: Asked, config: PageConfig, nonce: str) -> Served:
    """Returns the file that was asked for, or the page for every path that can be a screen's.

    `nonce` must be new and unguessable for each call. Names of files are only looked up, never opened, so no path
    leads out of the bundle.
    """
    if asked.method not in METHODS:
        return _text(asked, HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD.\n", Allow=", ".join(METHODS))
    if bundle is None:
        return _text(asked, HTTPStatus.SERVICE_UNAVAILABLE, NOT_BUILT)
    if len(asked.path) > MAX_PATH_CHARACTERS:
        return _text(asked, HTTPStatus.REQUEST_URI_TOO_LONG, "The path is too long.\n")
    name = asked.path.removeprefix("/")
    asset = bundle.assets.get(name)
    if asset is not None:
        return _file(asked, asset)
    if _is_a_files(name):
        return _text(asked, HTTPStatus.NOT_FOUND, "The console has no such file.\n")
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": _NEVER_KEPT,
        "Content-Security-Policy": policy(config, nonce),
        "Cross-Origin-Opener-Policy": opener_policy(asked.path, config),
    }
    return _answer(asked, HTTPStatus.OK, headers, render(bundle.page, asked.path, config, nonce).encode())


def takes_gzip(accept_encoding: str) -> bool:
    """Says whether a browser takes gzip, by its header Accept-Encoding."""
    for each in accept_encoding.lower().split(","):
        coding, *parameters = (part.strip() for part in each.split(";"))
        if coding == "gzip":
            return not any(part.replace(" ", "").rstrip(".0") == "q=" for part in parameters)
    return False


def _is_a_files(name: str) -> bool:
    """Says whether a path can only be that of a file.

    Deeper paths may have dots, as in the page of the job type `text.reduce`.
    """
    return name.split("/")[0] == ASSETS or ("." in name and "/" not in name and name != "index.html")


def _file(asked: Asked, asset: Asset) -> Served:
    headers = {
        "Content-Type": asset.media_type,
        "Cache-Control": _FOR_EVER if asset.is_hashed else _CHECKED,
    }
    if asset.media_type.startswith("image/svg"):
        headers["Content-Security-Policy"] = "default-src 'none'"  # a picture, also when it is opened alone
    if asset.compressed is None:
        return _answer(asked, HTTPStatus.OK, headers, asset.content)
    headers["Vary"] = "Accept-Encoding"
    if not asked.takes_gzip:
        return _answer(asked, HTTPStatus.OK, headers, asset.content)
    return _answer(asked, HTTPStatus.OK, {**headers, "Content-Encoding": "gzip"}, asset.compressed)


def _text(asked: Asked, status: HTTPStatus, text: str, **headers: str) -> Served:
    return _answer(
        asked, status, {"Content-Type": _PLAIN, "Cache-Control": _NEVER_KEPT, **headers}, text.encode()
    )


def _answer(asked: Asked, status: HTTPStatus, headers: Mapping[str, str], content: bytes) -> Served:
    return Served(int(status), {**_OF_EVERY_ANSWER, **headers}, b"" if asked.method == "HEAD" else content)
