"""Reads fields of the API's answers, and raises a readable error for one that this API can't have given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate_cli.errors import CliError


def text_of(answer: Mapping[str, Any], name: str) -> str:
    """Returns the field `name` of an answer. Raises CliError if it is not text."""
    value = answer.get(name)
    if not isinstance(value, str):
        raise CliError(f"the API's answer has no {name}; is --api-url a tidegate API?")
    return value


def number_of(answer: Mapping[str, Any], name: str) -> int:
    """Returns the field `name` of an answer, 0 if it is left out. Raises CliError if it is not a whole number."""
    value = answer.get(name, 0)
    if not isinstance(value, int):
        raise CliError(f"the API's answer has no number {name}; is --api-url a tidegate API?")
    return value


def object_of(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Returns the field `name` of an answer, {} if it is left out. Raises CliError if it is not an object."""
    value = answer.get(name) or {}
    if not isinstance(value, Mapping):
        raise CliError(f"the API's answer has no object {name}; is --api-url a tidegate API?")
    return value


def objects_of(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Returns the field `name` of an answer. Raises CliError if it is not a list of objects."""
    found = answer.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise CliError(f"the API's answer has no list of {name}; is --api-url a tidegate API?")
    return found
