"""The console's built files, read once and kept in memory: a request can only name a file that was found here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = "index.html"
ASSETS = "assets"
MAX_FILES = 200
MAX_FILE_BYTES = 4 * 1024 * 1024
"""Below the 6 MB that a function may answer with, where the text stands escaped in JSON."""

MAX_BUNDLE_BYTES = 16 * 1024 * 1024
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
"""Only text: the gateway passes it on without a list of binary types, and compresses it."""

_STAMP = "built-from"  # a hash of the sources, for the next build to compare
_COMPRESSED = ".gz"
_NAME = re.compile(rf"({ASSETS}/)?[A-Za-z0-9_][A-Za-z0-9_.-]*")
_HASHED = re.compile(rf"{ASSETS}/.+-[A-Za-z0-9_-]{{8,}}\.[a-z]+")


class BundleBroken(ValueError):
    """The folder holds something that no build of the console can have made."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `compressed` is its gzip form, if the build made one. A hashed name never gets another content."""

    media_type: str
    content: bytes
    compressed: bytes | None
    is_hashed: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """The page, and the other files by their path below the console's folder."""

    page: str
    assets: Mapping[str, Asset]


def load_bundle(folder: Path) -> Bundle | None:
    """Returns the files of a build, None if there is none.

    Raises BundleBroken, which names the file, for too many files, one that is too large, a link, or an unknown type.
    """
    if not (folder / PAGE).is_file():
        return None
    contents = dict(_files(folder))
    page = contents.pop(PAGE).decode("utf-8")
    if page.count("<head>") != 1 or page.count("</head>") != 1:
        raise BundleBroken(f"{PAGE} must have one <head> and one </head>")
    assets = {
        name: Asset(
            _media_type(name), content, contents.get(name + _COMPRESSED), _HASHED.fullmatch(name) is not None
        )
        for name, content in contents.items()
        if not name.endswith(_COMPRESSED)
    }
    return Bundle(page, assets)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    size = 0
    found = sorted(path for path in folder.rglob("*") if not path.is_dir() and path != folder / _STAMP)
    for count, path in enumerate(found, start=1):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not _NAME.fullmatch(name):
            raise BundleBroken(f"{name} is no file of a build: it lies deeper than {ASSETS}/, or is a link")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BundleBroken(f"{name} has more than {MAX_FILE_BYTES:,} bytes")
        content = path.read_bytes()
        size += len(content)
        if count > MAX_FILES or size > MAX_BUNDLE_BYTES:
            raise BundleBroken(f"a build has at most {MAX_FILES} files and {MAX_BUNDLE_BYTES:,} bytes")
        yield name, content


def _media_type(name: str) -> str:
    suffix = Path(name).suffix
    if suffix not in MEDIA_TYPES:
        raise BundleBroken(f"{name} has no type that is served; there are {', '.join(sorted(MEDIA_TYPES))}")
    return MEDIA_TYPES[suffix]
