"""Finds an example for each request and answer: events that clients send, and answers that a test holds to the API."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.contracts.route import Route

ROOT = Path(__file__).resolve().parents[2]
KEPT_ANSWERS = ROOT / "tests" / "functions" / "kept_answers.txt"
EVENTS = ROOT / "events"
_SHOWN_CHARACTERS = 3_000


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that the API gave, to the path that was called."""

    method: str
    path: str
    status: int
    body: Any


def kept_answers() -> Iterator[Answer]:
    """Yields the answers of `tests/functions/kept_answers.txt` that have a body, in its order."""
    for entry in KEPT_ANSWERS.read_text(encoding="utf-8").split("\n\n"):
        request, status, body = entry.strip("\n").split("\n", 2) if entry.count("\n") > 1 else ("", "", "")
        if body:
            method, path, *_ = request.split(" ")
            yield Answer(method, path, int(status.split(" ", 1)[0]), json.loads(body))


def answer_to(
    answers: Iterable[Answer], status: int, route: Route | None = None, kinds: Collection[str] = ()
) -> Any:
    """Returns a body that the API answered with this status, to the route if one is given; None where none is known.

    `kinds` are the types of the problems that are wanted. The body is the largest that is still read at a glance,
    because that one shows the most fields. Of two as large it is the first.
    """
    fitting = [
        answer.body
        for answer in answers
        if answer.status == status
        and (route is None or _is_to(answer, route))
        and (not kinds or answer.body["type"] in kinds)
    ]
    return max(fitting, key=_worth, default=None)


def _is_to(answer: Answer, route: Route) -> bool:
    path = re.sub(r"{\w+}", "[^/]+", route.path)
    return answer.method == route.method and re.fullmatch(path, answer.path) is not None


def _worth(body: Any) -> int:
    size = len(json.dumps(body))
    return size if size <= _SHOWN_CHARACTERS else -size


def body_to(route: Route) -> Any:
    """Returns the body of the sample event for the route, None where it has no body."""
    for file in sorted(EVENTS.glob("api-*.json")):
        event = json.loads(file.read_text(encoding="utf-8"))
        if (event["httpMethod"], event["resource"]) == (route.method, route.path):
            return json.loads(event["body"]) if event["body"] else None
    return None
