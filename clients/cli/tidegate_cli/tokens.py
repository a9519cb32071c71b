"""The tokens of people who signed in, in a file that only the user can read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from tidegate_cli.errors import CliError, MalformedFile
from tidegate_cli.profiles import profiles_file
from tidegate_devstack.private_files import PRIVATE_MODE, others_can_read, replace_private

_FRESH_SECONDS = 60.0  # a token that ends sooner is renewed first
_LOCK_SECONDS = 30.0  # longer than an issuer may take to answer
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one sign-in, and where to renew them. `expires_at` is in seconds since the epoch."""

    api_url: str
    client_id: str
    token_url: str
    revoke_url: str | None
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: float

    def are_fresh(self, now: float) -> bool:
        """Tells whether the access token is good for another minute."""
        return now < self.expires_at - _FRESH_SECONDS


def tokens_file() -> Path:
    """Returns the path of the file, beside that of the profiles. It need not exist."""
    return profiles_file().with_name("tokens.json")


def read_tokens(api_url: str) -> Tokens | None:
    """Returns the tokens for an API, None without any. Raises MalformedFile, which names the file."""
    return _read().get(api_url)


def save_tokens(tokens: Tokens) -> None:
    """Saves the tokens of a sign-in, instead of those for the same API."""
    with _alone():
        _write({**_read(), tokens.api_url: tokens})


def renew_tokens(api_url: str, renew: Callable[[Tokens], Tokens], *, now: float) -> Tokens | None:
    """Returns the tokens for an API, renewed by `renew` and saved unless they are fresh. Returns None without any.

    One command or request at a time renews, because an issuer may take a refresh token that comes twice for a stolen
    one, and end the sign-in. Source: RFC 9700, section 4.14.
    """
    with _alone():
        saved = _read()
        found = saved.get(api_url)
        if found is not None and not found.are_fresh(now):
            found = renew(found)
            _write({**saved, api_url: found})
        return found


def remove_tokens(api_url: str) -> Tokens | None:
    """Removes the tokens for an API and returns them, None without any."""
    with _alone():
        saved = _read()
        removed = saved.pop(api_url, None)
        if removed is not None:
            _write(saved)
        return removed


def has_loopback_host(url: str) -> bool:
    """Tells whether a URL leads to this machine itself."""
    return urlsplit(url).hostname in _LOOPBACK


@contextmanager
def _alone() -> Iterator[None]:
    """Keeps other commands and other threads of this one from the file. Raises CliError if one of them takes long."""
    path = tokens_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock")
    try:
        with FileLock(lock, timeout=_LOCK_SECONDS, mode=PRIVATE_MODE):
            yield
    except Timeout as error:
        raise CliError(f"another command holds {lock}; try again once it has ended") from error


def _read() -> dict[str, Tokens]:
    path = tokens_file()
    try:
        if others_can_read(path):
            raise MalformedFile(f"other users can read {path}: remove it, and sign in again")
        found = json.loads(path.read_text(encoding="utf-8"))
        return {url: Tokens(**_known(each)) for url, each in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise MalformedFile(f"{path} can't be read: remove it, and sign in again") from error


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    return {each.name: found.get(each.name) for each in fields(Tokens)}


def _write(tokens: Mapping[str, Tokens]) -> None:
    replace_private(
        tokens_file(), json.dumps({url: asdict(each) for url, each in sorted(tokens.items())}, indent=2)
    )
