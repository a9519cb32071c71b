"""Reads the fields of a target in `targets.yaml`. Every fault names its field and the fix, as InvalidRequest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, cast

from tidegate.domain.errors import InvalidRequest, Violation
from tidegate.domain.suggestions import did_you_mean

OF_COMMANDS: Final = ("result", "exit_codes", "aws_credentials", "reads_upstreams")
"""The fields that targets of a command have."""
_OF_SUBMISSIONS: Final = frozenset({"retry", "max_retries", "pool", "priority", "requires", "tags", "share"})


def boolean(given: Mapping[str, object], key: str, at: str, *, otherwise: bool = False) -> bool:
    """Returns a field that is true or false, `otherwise` where it is not given."""
    value = given.get(key, otherwise)
    require(isinstance(value, bool), f"{at}.{key}", "must be true or false")
    return bool(value)


def fields_of(value: object, at: str, known: Collection[str]) -> Mapping[str, object]:
    """Returns an object that has no other fields than the `known` ones."""
    found = mapping(value, at)
    refuse_unknown(found, known, at)
    return found


def mapping(value: object, at: str) -> Mapping[str, object]:
    """Returns an object with any fields."""
    require(isinstance(value, dict), at, "must be an object, with a name and a value on each line")
    return cast("Mapping[str, object]", value)


def refuse_unknown(given: Iterable[str], known: Collection[str], at: str) -> None:
    """Raises InvalidRequest for every name that is not `known`."""
    found = [
        Violation(f"{at}.{name}".removeprefix("."), _why_unknown(name, known))
        for name in given
        if name not in known
    ]
    if found:
        raise InvalidRequest(found)


def _why_unknown(name: str, known: Collection[str]) -> str:
    if name in _OF_SUBMISSIONS:
        return "is a field of a submission, not of a target; leave it out here"
    if name == "exit_codes":
        return "is for a command or a container only; leave it out"
    if name in OF_COMMANDS:
        return "is for a command only; leave it out"
    return f"is unknown; the fields are {', '.join(known)}{did_you_mean(name, known)}"


def require(holds: bool, at: str, message: str) -> None:
    """Raises InvalidRequest with `message` for the field `at`, unless it `holds`."""
    if not holds:
        raise InvalidRequest.of(at, message)
