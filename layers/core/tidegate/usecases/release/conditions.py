"""Evaluates the conditions of CONDITIONAL dependencies over the upstream they name.

A condition is a CEL expression over the upstream's state, result and failure. If it is false or can't be evaluated, the
downstream job can never run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tidegate.domain import limits
from tidegate.domain.dependency import (
    CONDITION_ERROR,
    Dependency,
    Dependent,
    named,
    skip_code,
    unsatisfiable_reason,
)
from tidegate.domain.errors import ConditionError, ConditionTooDear, NotFound
from tidegate.domain.job import Job, JobFailure, Json
from tidegate.domain.retry import UPSTREAM_GONE
from tidegate.usecases.services import Services

Question: TypeAlias = tuple[str, str]  # an upstream's id and a condition
CHEAP_STEPS = 3_000  # under a millisecond; enough for all conditions but loops over hundreds of elements
_VIEWS_KEPT = 8  # results of up to 256 KB each
_FAILURES_KEPT = 1_000


def question_of(upstream: Job, given: Dependency) -> Question:
    """Returns the upstream's id and the condition of a dependency, as a key for answers."""
    return upstream.job_id, given.condition or ""


def questions_in_turn(questions: Iterable[Question]) -> list[Question]:
    """Orders questions round-robin over their upstreams: the first of each, then the second of each, and so on."""
    counts: Counter[str] = Counter()
    places: dict[Question, int] = {}
    for question in questions:
        places[question] = counts[question[0]]
        counts[question[0]] += 1
    return sorted(places, key=lambda question: places[question])


def unsatisfiable(upstream: Job, edge: Dependent, detail: str = "", code: str | None = None) -> JobFailure:
    """Makes the failure of a job that can never run because of an edge.

    `detail` is added to its message. `code` is its failure code; without it the code follows from the type of the edge
    and the upstream's own code.
    """
    name = named(upstream.job_id, upstream.key)
    message = unsatisfiable_reason(edge.type, name, upstream.state, detail)
    upstream_code = upstream.failure.code if upstream.failure else ""
    return JobFailure(
        code or skip_code(edge.type, upstream_code),
        message[: limits.MAX_ERROR_CHARACTERS],
        upstream.job_id,
    )


@dataclass(slots=True)
class ConditionAnswers:
    """Evaluates conditions and keeps the answers, so that each result is read once and each condition evaluated once.

    Bounded: old views and answers are dropped when there are very many.
    """

    services: Services
    views: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    failures: dict[Question, JobFailure | None] = field(default_factory=dict)
    costly: set[Question] = field(default_factory=set)  # known to need more than a cheap evaluation

    def failure(
        self,
        upstream: Job,
        edge: Dependent,
        given: Dependency,
        *,
        max_steps: int = limits.MAX_CONDITION_STEPS,
    ) -> JobFailure | None:
        """Returns None if the edge's condition holds, else the failure that says why it does not.

        Raises ConditionTooDear if the condition needs more than `max_steps` evaluation steps and `max_steps` is below
        the overall limit, so that it can be tried again with more. Raises ServiceUnavailable if the upstream's
        result can't be read.
        """
        question = question_of(upstream, given)
        if question not in self.failures:
            if max_steps < limits.MAX_CONDITION_STEPS and question in self.costly:
                raise ConditionTooDear("it needed more steps before")
            failure = self._evaluate(upstream, edge, question[1], max_steps)
            if len(self.failures) == _FAILURES_KEPT:
                self.failures.clear()
            self.failures[question] = failure
        return self.failures[question]

    def _evaluate(self, upstream: Job, edge: Dependent, expression: str, max_steps: int) -> JobFailure | None:
        try:
            if upstream.job_id not in self.views:
                if len(self.views) == _VIEWS_KEPT:
                    self.views.clear()
                self.views[upstream.job_id] = condition_view(self.services, upstream)
            view = self.views[upstream.job_id]
            holds = self.services.conditions.evaluate(expression, view, max_steps=max_steps)
        except NotFound as error:
            return JobFailure(
                UPSTREAM_GONE, f"condition on {upstream.job_id} needs its result: {error}", upstream.job_id
            )
        except ConditionError as error:
            if isinstance(error, ConditionTooDear) and max_steps < limits.MAX_CONDITION_STEPS:
                self.costly.add((upstream.job_id, expression))
                raise
            return unsatisfiable(upstream, edge, f"could not be evaluated: {error}", CONDITION_ERROR)
        return None if holds else unsatisfiable(upstream, edge, f"is false: {expression}")


def condition_view(services: Services, upstream: Job) -> Mapping[str, Json]:
    """Makes the value that conditions see as `upstream`; the CEL adapter refuses conditions that name other fields.

    Raises NotFound if the result has passed its retention.
    """
    failure = upstream.failure
    return {
        "status": upstream.state.value,
        "result": services.jobs.load_result(upstream),
        "duration_seconds": upstream.actual_duration_seconds or 0.0,
        "attempts": upstream.runs,
        "code": failure.code if failure else "",
        "reason": failure.message if failure else "",
        "error": {"code": failure.code, "message": failure.message} if failure else None,
    }
