"""Reads the API's answers, and raises a readable error for an answer that this API can't have given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tidegate.domain.errors import Violation
from tidegate_cli.errors import ApiProblem, CliError

MAX_BACKOFF_SECONDS = 5.0
_NO_SUCH_PATH = "Missing Authentication Token"  # API Gateway's message for a path that it does not know


def retry_after_seconds(response: httpx.Response) -> float:
    """Returns the seconds that the API asks to wait before the next request, at most MAX_BACKOFF_SECONDS.

    Returns 0 if the answer has no Retry-After header with a whole number of seconds.
    """
    asked = response.headers.get("retry-after", "")
    return min(MAX_BACKOFF_SECONDS, float(asked)) if asked.isdecimal() else 0.0


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


def read_answer(response: httpx.Response) -> dict[str, Any]:
    """Returns the JSON object of a successful answer.

    Raises ApiProblem if the API refused the request, and CliError if a successful answer is not a JSON object.
    """
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.is_success and isinstance(answer, dict):
        return answer
    if response.is_success:
        raise CliError(f"{response.url} did not answer with a JSON object; is --api-url a tidegate API?")
    raise _problem(response, answer if isinstance(answer, dict) else {})


def _problem(response: httpx.Response, answer: Mapping[str, Any]) -> ApiProblem:
    # API Gateway itself refuses some requests (no signature, no such path). Its answer is {"message": ...}.
    platform = answer.get("message") or answer.get("Message")
    # API Gateway gives the same message for a missing signature. This client signs every request, so it is the path.
    if platform == _NO_SUCH_PATH:
        platform = f"{platform}: the API has no such path; is --api-url the stack's output ApiUrl?"
    if response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE and platform:
        platform = f"{platform}: the gateway takes about 5 MB; submit the work as several workflows"
    found = answer.get("errors")
    title = answer.get("title") or response.reason_phrase or "the API refused"
    violations = [
        Violation(str(item.get("field", "")), str(item.get("message", "")))
        for item in (found if isinstance(found, list) else ())
        if isinstance(item, Mapping)
    ]
    return ApiProblem(
        response.status_code,
        str(title),
        str(answer.get("detail") or platform or ""),
        violations,
        type=str(answer.get("type") or ""),
    )
