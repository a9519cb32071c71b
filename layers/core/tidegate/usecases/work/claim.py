"""Claims QUEUED jobs for a worker and loads the input of their code.

A claim is a conditional write that makes the job RUNNING and raises its `attempt`. Every later write of the worker
must match that number, so a worker that lost its job can change nothing.

A second attempt is claimed beside the first, by the transitions of `domain.transitions.second`. Its worker holds the
job as a `SecondHold`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tidegate.domain.dependency import Dependency
from tidegate.domain.errors import (
    NotFound,
    ServiceRefused,
    ServiceUnavailable,
    TidegateError,
    TooMuchGathered,
)
from tidegate.domain.job import Job, JobInput, SecondHold, held_as_second
from tidegate.domain.outside import FinishToken
from tidegate.domain.retry import INPUT_GONE, UPSTREAM_GONE
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    ClaimAgainIfLeaseExpired,
    ClaimIfQueued,
    ClaimSecondIfOffered,
    Stamp,
    TransitionRefused,
)
from tidegate.ports import Assignment, Message, Outcome, OutcomeKind, UpstreamResult
from tidegate.usecases.services import Services
from tidegate.usecases.work.gathered import Gathered

_Outcome: TypeAlias = Job | TransitionRefused | NotFound | ServiceUnavailable | ServiceRefused


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this worker owns, with the input of its code.

    `began_at_ms` is when the code began, None if it did not begin. `refusal` is set if the input can't be loaded
    completely: the code then does not run and `refusal` is its outcome.
    """

    job: Job
    assignment: Assignment
    began_at_ms: int | None
    refusal: Outcome | None = None


def claim(services: Services, message: Message, worker_id: str, now_ms: int) -> Claimed | None:
    """Claims the job of one message and loads its input.

    Returns None if there is nothing to do: the message is stale or a duplicate, or the job no longer exists.
    Raises ServiceUnavailable or ServiceRefused if the message should be delivered again.
    """
    (job,) = claim_all(services, [message], worker_id, now_ms)
    if isinstance(job, ServiceUnavailable | ServiceRefused):
        raise job
    return None if job is None else begin(services, job, now_ms)


def claim_all(
    services: Services, messages: Sequence[Message], worker_id: str, now_ms: int
) -> list[Job | ServiceUnavailable | ServiceRefused | None]:
    """Claims the jobs of many messages, each under its own condition.

    Returns outcomes in the order of `messages`: the claimed job; None if the message is stale or a duplicate, or the
    job no longer exists; an error if the message should be delivered again.
    """
    # Of several messages about one job only the one with the highest attempt can win. The others are stale or copies.
    chosen: dict[str, int] = {}
    offers: dict[str, int] = {}
    for place, message in enumerate(messages):
        of_kind = offers if message.second else chosen
        known = of_kind.get(message.job_id)
        if known is None or messages[known].attempt < message.attempt:
            of_kind[message.job_id] = place
    stamp = Stamp(now_ms, worker_id, logs=services.log_place)
    lease_expires_at_ms = now_ms + services.settings.lease_ms
    transitions = [
        ClaimIfQueued(
            job_id,
            messages[place].attempt,
            worker_id,
            lease_expires_at_ms,
            stamp,
            messages[place].queued_at_ms,
            services.seat,
        )
        for job_id, place in chosen.items()
    ]
    outcomes: list[_Outcome] = [*services.jobs.apply_all(transitions)]
    # Rare: the message was delivered again because the worker that had claimed its job was lost.
    orphans = {
        number: outcome.job
        for number, (claim, outcome) in enumerate(zip(transitions, outcomes, strict=True))
        if isinstance(outcome, TransitionRefused) and _is_orphaned(outcome.job, claim.attempt + 1, now_ms)
    }
    again = [
        ClaimAgainIfLeaseExpired(job, job.attempt, worker_id, lease_expires_at_ms, stamp, services.seat)
        for job in orphans.values()
    ]
    if again:
        for number, second in zip(orphans, services.jobs.apply_all(again), strict=True):
            outcomes[number] = second
    claims: list[Job | ServiceUnavailable | ServiceRefused | None] = [None] * len(messages)
    claims_of_second = [
        ClaimSecondIfOffered(
            job_id, messages[place].attempt, worker_id, lease_expires_at_ms, stamp, services.seat
        )
        for job_id, place in offers.items()
    ]
    if claims_of_second:
        of_second = services.jobs.apply_all(claims_of_second)
        for place, outcome in zip(offers.values(), of_second, strict=True):
            claims[place] = _held_second(outcome)
    for place, outcome in zip(chosen.values(), outcomes, strict=True):
        claims[place] = None if isinstance(outcome, TransitionRefused | NotFound) else outcome
    return claims


def _held_second(outcome: _Outcome) -> Job | ServiceUnavailable | ServiceRefused | None:
    """Returns the job of a claimed second attempt as its worker holds it; None where the offer is over."""
    if isinstance(outcome, TransitionRefused | NotFound):
        return None
    if isinstance(outcome, Job):
        # No second attempt: it ended since, so there is nothing to run.
        return None if outcome.live_second is None else held_as_second(outcome, outcome.live_second)
    return outcome


def _is_orphaned(job: Job, attempt: int, now_ms: int) -> bool:
    """True if the job's worker seems lost, so that a second claim may succeed. The conditional write decides."""
    lease_expires_at_ms = job.lease_expires_at_ms
    return (
        job.state is State.RUNNING
        and job.attempt == attempt
        and job.may_lose_its_worker
        and lease_expires_at_ms is not None
        and lease_expires_at_ms < now_ms
    )


def begin(services: Services, job: Job, now_ms: int) -> Claimed:
    """Loads the input for the code of a claimed job, which is taken to begin at `now_ms`.

    No job runs on a part of its input. So the result has a `refusal` if the input, or an upstream that the code reads,
    has passed its retention, or if the upstreams' results are too large together.
    Raises ServiceUnavailable if something can't be read.
    """
    given, refusal = JobInput({}), None
    upstreams: tuple[UpstreamResult, ...] = ()
    try:
        given = services.jobs.load_input(job)
    except NotFound as error:
        refusal = _refusal(INPUT_GONE, error)
    if given.depends_on and services.registry.reads_upstreams(job.type):
        try:
            upstreams = _load_upstreams(services, given.depends_on)
        except NotFound as error:
            refusal = _refusal(UPSTREAM_GONE, error)
        except TooMuchGathered as error:
            refusal = _refusal(error.code, error)
    assignment = Assignment(
        job_id=job.job_id,
        attempt=job.attempt,
        type=job.type,
        parameters=given.parameters,
        timeout_ms=job.timeout_seconds * 1_000,
        upstreams=upstreams,
        key=job.key,
        second=isinstance(job, SecondHold),
        token=None if job.may_run_twice else FinishToken(job.job_id, job.attempt, services.entropy.secret()),
    )
    return Claimed(job, assignment, max(now_ms, job.started_at_ms or 0), refusal)


def _refusal(code: str, error: TidegateError) -> Outcome:
    """Makes the outcome of an attempt whose input can't be loaded. Not retryable: a retry would find the same."""
    message = f"the job's code did not run: {error}"
    return Outcome(OutcomeKind.FAILED, code=code, message=message, retryable=False)


def _load_upstreams(services: Services, depends_on: Sequence[Dependency]) -> tuple[UpstreamResult, ...]:
    """Loads the distinct upstreams with their results, in the order of the dependencies.

    Raises NotFound if an upstream or its result has passed its retention, and TooMuchGathered if the results are too
    large together.
    """
    wanted = list(dict.fromkeys(dependency.upstream_id for dependency in depends_on))
    jobs = services.jobs.get_many(wanted)
    upstreams: list[UpstreamResult] = []
    gathered = Gathered()
    for upstream_id in wanted:
        job = jobs.get(upstream_id)
        if job is None or not job.is_terminal:
            # The first read may be stale: the upstream may have ended a moment ago and so released this job.
            job = services.jobs.get(upstream_id, consistent=True)
        if job is None:
            raise NotFound("upstream", upstream_id)
        result = services.jobs.load_result(job)
        gathered.add(result)
        upstreams.append(UpstreamResult(job.job_id, job.key, job.state, result))
    return tuple(upstreams)
