"""Named deployments in a TOML file of the user's: the address of each, and how to sign for it. It holds no secret."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import platformdirs
import tomli_w

from tidegate_cli.errors import MalformedFile, OptionError, UsageError

FILE_VARIABLE = "TIDEGATE_PROFILES"
"""Names the file, instead of `profiles.toml` in the user's configuration folder."""
_NAME = re.compile("[A-Za-z0-9_.-]{1,64}")
_URL = re.compile(r"https?://[^\s/@?#]+(/[^\s@?#]*)?")


@dataclass(frozen=True, slots=True)
class Profile:
    """A named deployment. Without `region` and `aws_profile` they are found as without a profile.

    `oauth_api_url` is the address of its API for bearer tokens, which commands use while you are signed in there.
    """

    name: str
    api_url: str
    region: str | None = None
    aws_profile: str | None = None
    oauth_api_url: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Returns the profile as the commands show it."""
        return {
            "name": self.name,
            "api_url": self.api_url,
            "region": self.region,
            "aws_profile": self.aws_profile,
            "oauth_api_url": self.oauth_api_url,
        }


_FIELDS = tuple(field.name for field in fields(Profile) if field.name != "name")


def profiles_file() -> Path:
    """Returns the path of the file, which need not exist."""
    given = os.environ.get(FILE_VARIABLE)
    return Path(given) if given else platformdirs.user_config_path("tidegate") / "profiles.toml"


def read_profiles() -> dict[str, Profile]:
    """Returns the saved profiles by name, in alphabetical order; none if there is no file.

    Raises MalformedFile, which names the file and what is wrong in it.
    """
    path = profiles_file()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise MalformedFile(f"{path} can't be read: {error}") from error
    return {name: _profile(path, name, value) for name, value in sorted(found.items())}


def find_profile(name: str) -> Profile:
    """Returns the profile of this name. Raises OptionError, which names those that there are."""
    saved = read_profiles()
    if name in saved:
        return saved[name]
    others = f"there are {', '.join(saved)}" if saved else "none is saved yet"
    raise OptionError(
        "--profile",
        f"{name!r} is no saved deployment ({others}): save it with `tidegate profiles set {name} --api-url URL`; "
        "an AWS profile is chosen with --aws-profile",
    )


def save_profile(profile: Profile) -> None:
    """Saves a profile, instead of one of the same name. Raises UsageError for a name or a URL that can't be one."""
    if not _NAME.fullmatch(profile.name):
        raise UsageError(
            f"{profile.name!r} can't name a profile: up to 64 letters, digits, dots, hyphens and underscores"
        )
    if not _URL.fullmatch(profile.api_url):
        raise OptionError(
            "--api-url",
            f"{profile.api_url!r} is not the address of an API; it begins with https://, holds no user, query or "
            "fragment, and is the stack's output ApiUrl",
        )
    if profile.oauth_api_url is not None and not _URL.fullmatch(profile.oauth_api_url):
        raise OptionError(
            "--oauth-api-url",
            f"{profile.oauth_api_url!r} is not the address of an API; it is the stack's output OAuthApiUrl",
        )
    _write({**read_profiles(), profile.name: profile})


def remove_profile(name: str) -> Profile:
    """Removes a profile, and returns it. Raises UsageError if there is none of this name."""
    saved = read_profiles()
    removed = saved.pop(name, None)
    if removed is None:
        raise UsageError(f"no profile is named {name!r}; `tidegate profiles list` shows them")
    _write(saved)
    return removed


def _profile(path: Path, name: str, value: Any) -> Profile:
    if not isinstance(value, Mapping):
        raise MalformedFile(f"{path}: {name} must be a table, as in [{name}]")
    unknown = sorted(value.keys() - set(_FIELDS))
    if unknown:
        raise MalformedFile(
            f"{path}: {name}.{unknown[0]} is no field of a profile; it has {', '.join(_FIELDS)}"
        )
    wrong = [field for field in _FIELDS if not isinstance(value.get(field, ""), str)]
    if wrong or not value.get("api_url"):
        raise MalformedFile(f"{path}: {name}.{(wrong or ['api_url'])[0]} must be text")
    given: dict[str, Any] = {field: value.get(field) for field in _FIELDS}
    return Profile(name, **given)


def _write(profiles: Mapping[str, Profile]) -> None:
    """Writes the file anew. It is replaced whole, so that nobody reads half of one."""
    path = profiles_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    text = tomli_w.dumps(
        {
            name: {
                field: value
                for field, value in profile.as_json().items()
                if field != "name" and value is not None
            }
            for name, profile in sorted(profiles.items())
        }
    )
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False
    ) as file:
        file.write(text)
    Path(file.name).replace(path)
