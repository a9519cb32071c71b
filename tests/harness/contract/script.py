"""An AWS with scripted answers: throttles, lost answers, half-done batches."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

Answer = dict[str, Any] | Exception


class Script:
    """Answers one operation after the other from a list, and keeps the requests. The last answer repeats.

    Calls at once come in any order; where their answers differ, each is made from its request.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answers: list[Answer] = []
        self._answer_to: Callable[[bytes], Answer] | None = None

    def answers(self, *answers: Answer) -> None:
        self._answers.extend(answers)

    def answers_each(self, answer_to: Callable[[bytes], Answer]) -> None:
        """Makes each answer from the body of its request."""
        self._answer_to = answer_to

    def bodies(self) -> list[bytes]:
        return [params["body"] for params in self.asked]

    def __call__(self, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        self.asked.append(params)
        if self._answer_to is not None:
            answer = self._answer_to(params["body"])
        else:
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        metadata = {"HTTPStatusCode": 400 if "Error" in answer else 200, "RetryAttempts": 0}
        parsed = {**answer, "ResponseMetadata": {**metadata, **answer.get("ResponseMetadata", {})}}
        return SimpleNamespace(status_code=parsed["ResponseMetadata"]["HTTPStatusCode"]), parsed


def error(code: str, retries: int = 0, **more: Any) -> Answer:
    return {
        "Error": {"Code": code, "Message": "says AWS"},
        "ResponseMetadata": {"RetryAttempts": retries},
        **more,
    }
