"""Conditions: what an upstream's end means by the expressions of those that wait on it."""

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
CHEAP_STEPS = 3_000  # under a millisecond; enough for all but loops over hundreds of elements
_VIEWS_KEPT = 8  # a result may have 256 KB
_FAILURES_KEPT = 1_000


def question_of(upstream: Job, given: Dependency) -> Question:
    """What the edge of a CONDITIONAL dependency asks of its upstream."""
    return upstream.job_id, given.condition or ""


def questions_in_turn(questions: Iterable[Question]) -> list[Question]:
    """Each upstream's first question, then each one's second, and so on."""
    counts: Counter[str] = Counter()
    places: dict[Question, int] = {}
    for question in questions:
        places[question] = counts[question[0]]
        counts[question[0]] += 1
    return sorted(places, key=lambda question: places[question])


def unsatisfiable(upstream: Job, edge: Dependent, detail: str = "", code: str | None = None) -> JobFailure:
    """Why the job at the other end of an edge can never run; its code follows from the upstream's unless given."""
    name = named(upstream.job_id, upstream.key)
    message = unsatisfiable_reason(edge.type, name, upstream.state, detail)
    upstream_code = upstream.failure.code if upstream.failure else ""
    return JobFailure(
        code or skip_code(edge.type, upstream_code),
        message[: limits.MAX_ERROR_CHARACTERS],
        upstream.job_id,
    )


@dataclass(slots=True)
class Conditions:
    """Evaluates conditions; reads each upstream's result once, and evaluates each expression over it once."""

    services: Services
    views: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    failures: dict[Question, JobFailure | None] = field(default_factory=dict)
    costly: set[Question] = field(default_factory=set)  # not to be tried with few steps again

    def failure(
        self,
        upstream: Job,
        edge: Dependent,
        given: Dependency,
        *,
        max_steps: int = limits.MAX_CONDITION_STEPS,
    ) -> JobFailure | None:
        """None where the edge's condition holds, else why it does not.

        Raises ConditionTooDear where it takes more than `max_steps` and may take more.
        """
        question = question_of(upstream, given)
        if question not in self.failures:
            if max_steps < limits.MAX_CONDITION_STEPS and question in self.costly:
                raise ConditionTooDear("it was put off before")
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
    """Makes the value of `upstream` in a condition; adapters/conditions/cel.py refuses conditions by these fields."""
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
