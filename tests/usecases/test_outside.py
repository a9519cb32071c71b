"""A job is handed over, heard from, and finished from outside, or taken back by the reaper."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.determined import HandClock
from tests.harness.usecases.dispatching import POOL
from tests.harness.usecases.handing_over import WORKER, HandsOver, Outsides
from tidegate.domain.costs.count import CostBasis, cost_of
from tidegate.domain.errors import NotFound, NotOutside, WrongToken
from tidegate.domain.job import Job, JobFailure, Progress
from tidegate.domain.outside import FinishToken, HandedOver
from tidegate.domain.outside_ends import FailedOutside, SucceededOutside
from tidegate.domain.permits import key_permit
from tidegate.domain.pools import PoolKind
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import RequestCancelIfRunning, Stamp, figures_of_end
from tidegate.usecases.reap.reap_active import reap_active
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.recover.reopen import retry_job
from tidegate.usecases.work.claim import claim
from tidegate.usecases.work.outside import beat_outside, finish_outside
from tidegate.usecases.work.run import run_message

ANN = caller_named("ann")
DONE = SucceededOutside({"rows": 3})
BROKEN = FailedOutside("no-room", "the farm has no room")
HOUR = HandedOver(timeout_seconds=3_600, lease_seconds=60, message="renders on the farm")
NO_RETRY = RetryPolicy(max_retries=0)


def finish(
    pool: Outsides,
    token: FinishToken | str,
    outcome: SucceededOutside | FailedOutside = DONE,
    job_id: str = "",
) -> Job:
    text, of_job = (token, job_id) if isinstance(token, str) else (token.text, job_id or token.job_id)
    return finish_outside(pool.services, of_job, text, outcome, caller=ANN, now_ms=pool.now_ms)


def beat(pool: Outsides, token: FinishToken, progress: Progress | None = None) -> Job:
    return beat_outside(pool.services, token.job_id, token.text, progress, now_ms=pool.now_ms)


def reap(pool: Outsides) -> None:
    reap_active(pool.services, pool.now_ms)


def test_a_handed_over_job_runs_on_and_takes_no_slot() -> None:
    pool = Outsides(capacity=1)
    token = pool.start(HOUR)
    job = pool.outside(token)
    assert (job.state, job.attempt, job.lease_expires_at_ms) == (State.RUNNING, 1, pool.now_ms + 60_000)
    assert job.progress == Progress(0.0, "renders on the farm")
    assert job.began_at_ms == pool.now_ms
    assert pool.services.index.count(POOL, Group.ACTIVE, at_most=5) == 0
    assert pool.services.index.count(POOL, Group.OUTSIDE, at_most=5) == 1


def test_a_hand_over_lets_the_next_job_be_dispatched_at_once() -> None:
    pool = Outsides(capacity=1)
    pool.submit(4)
    pool.react()
    assert len(pool.dispatched) == 2  # two for each slot
    pool.hand_over()
    pool.react()
    assert len(pool.dispatched) == 3
    assert pool.services.index.count(POOL, Group.ACTIVE, at_most=5) == 2


def test_the_outside_ends_the_job_with_its_result() -> None:
    pool = Outsides()
    token = pool.start()
    pool.world.now_ms += 5_000
    job = finish(pool, token)
    assert (job.state, job.result, job.tries, job.is_outside) == (State.SUCCEEDED, {"rows": 3}, 0, False)
    assert (job.history[-1].actor, job.history[-1].reason) == ("ann", "finished from outside")
    assert job.actual_duration_seconds == 5
    assert job.expires_at_s is not None


def test_the_same_end_again_answers_as_the_first_and_another_is_refused() -> None:
    pool = Outsides()
    token = pool.start()
    job = finish(pool, token)
    pool.world.now_ms += 1_000
    assert finish(pool, token) == job
    with pytest.raises(NotOutside, match="is SUCCEEDED: attempt 1 of the token has ended"):
        finish(pool, token, SucceededOutside({"rows": 4}))
    with pytest.raises(NotOutside):
        finish(pool, token, BROKEN)
    with pytest.raises(NotOutside):
        beat(pool, token)
    assert pool.job(job.job_id) == job


def test_a_failure_outside_is_retried_by_the_policy() -> None:
    pool = Outsides()
    token = pool.start(retry=RetryPolicy(1, 0, 0))
    job = finish(pool, token, BROKEN)
    assert (job.state, job.tries) == (State.SCHEDULED, 1)
    assert job.failure == JobFailure("no-room", "the farm has no room")
    assert finish(pool, token, BROKEN) == job  # again
    pool.tick()
    second = pool.hand_over()
    assert (second.attempt, second.secret == token.secret) == (2, False)
    with pytest.raises(
        NotOutside, match="is at attempt 2, and attempt 1 of the token has ended; stop that work"
    ):
        finish(pool, token)
    job = finish(pool, second, BROKEN)
    assert (job.state, job.tries) == (State.FAILED, 2)


@pytest.mark.parametrize(
    ("retry", "failed"),
    [
        (RetryPolicy(3, 0, 0), replace(BROKEN, retryable=False)),
        (RetryPolicy(3, 0, 0, never_on=frozenset({"no-room"})), BROKEN),
        (NO_RETRY, BROKEN),
    ],
)
def test_a_failure_outside_that_is_not_to_be_retried_ends_the_job(
    retry: RetryPolicy, failed: FailedOutside
) -> None:
    pool = Outsides()
    token = pool.start(retry=retry)
    job = finish(pool, token, failed)
    assert (job.state, job.tries) == (State.FAILED, 1)
    assert finish(pool, token, failed) == job


def test_a_failure_outside_may_ask_for_a_wait() -> None:
    pool = Outsides()
    job = finish(pool, pool.start(), replace(BROKEN, retry_after_seconds=90))
    assert job.due_at_ms == pool.now_ms + 90_000


def test_heartbeats_extend_the_lease_up_to_the_end_of_the_time_outside() -> None:
    pool = Outsides()
    token = pool.start(HandedOver(timeout_seconds=100, lease_seconds=60))
    since_ms = pool.now_ms
    pool.world.now_ms += 30_000
    job = beat(pool, token, Progress(0.5, "half"))
    assert (job.lease_expires_at_ms, job.progress) == (since_ms + 90_000, Progress(0.5, "half"))
    pool.world.now_ms += 30_000
    job = beat(pool, token)
    assert (job.lease_expires_at_ms, job.progress) == (since_ms + 100_000, Progress(0.5, "half"))
    assert job.outside is not None
    assert job.outside.beats == 2


def test_a_silent_outside_loses_the_job_which_is_retried() -> None:
    pool = Outsides()
    token = pool.start(HOUR)
    pool.world.now_ms += 60_000
    reap(pool)
    assert pool.outside(token).is_outside  # to this very instant
    pool.world.now_ms += 1
    reap(pool)
    job = pool.job(token.job_id)
    assert (job.state, job.tries, job.worker_losses) == (State.SCHEDULED, 1, 0)
    assert job.failure == JobFailure("outside-silent", "no heartbeat came from outside for 60 s")
    with pytest.raises(NotOutside, match="is SCHEDULED"):
        finish(pool, token)
    pool.tick()
    assert pool.hand_over().attempt == 2


@pytest.mark.parametrize(
    ("handed", "state", "failure"),
    [
        (HOUR, State.FAILED, JobFailure("outside-silent", "no heartbeat came from outside for 60 s")),
        (
            HandedOver(timeout_seconds=50),
            State.TIMED_OUT,
            JobFailure("timed-out", "it was not finished from outside within 50 s"),
        ),
    ],
)
def test_the_last_attempt_that_is_lost_outside_ends_the_job(
    handed: HandedOver, state: State, failure: JobFailure
) -> None:
    pool = Outsides()
    token = pool.start(handed, retry=NO_RETRY)
    pool.world.now_ms += 60_001
    reap(pool)
    job = pool.job(token.job_id)
    assert (job.state, job.failure, job.tries) == (state, failure, 1)
    assert job.history[-1].actor == "reaper"


def test_without_a_time_of_its_own_a_hand_over_has_the_job_s() -> None:
    pool = Outsides()
    job = pool.outside(pool.start(timeout_seconds=77))
    assert job.outside is not None
    assert job.outside.until_ms == job.lease_expires_at_ms == pool.now_ms + 77_000


def test_a_word_that_comes_after_the_lease_but_before_the_reaper_counts() -> None:
    pool = Outsides()
    token = pool.start(HOUR)
    pool.world.now_ms += 100_000
    assert beat(pool, token).lease_expires_at_ms == pool.now_ms + 60_000
    assert finish(pool, token).state is State.SUCCEEDED


def test_a_job_outside_is_cancelled_at_once() -> None:
    pool = Outsides()
    token = pool.start(HOUR)
    job = cancel_job(pool.services, token.job_id, caller=ANN, now_ms=pool.now_ms)
    assert (job.state, job.failure) == (
        State.CANCELLED,
        JobFailure("cancelled", "cancelled by ann while it was outside"),
    )
    with pytest.raises(NotOutside, match="is CANCELLED"):
        finish(pool, token)
    retry_job(pool.services, token.job_id, reopen_skipped=True, caller=ANN, now_ms=pool.now_ms + 1)
    with pytest.raises(NotOutside):
        finish(pool, token)


def test_a_job_that_is_to_be_cancelled_is_not_handed_over() -> None:
    pool = Outsides()
    pool.submit(1)
    pool.react()
    (delivery,) = pool.services.queue.receive(POOL, limit=1, wait_seconds=0)
    executor = _Cancels(HOUR, pool)
    job = run_message(pool.services, executor, HandClock(pool.now_ms), delivery.message, WORKER)
    assert job is not None
    assert job.state is State.CANCELLED


class _Cancels(HandsOver):
    """Job code during which a caller asks for the cancellation."""

    def __init__(self, handed: HandedOver, pool: Outsides) -> None:
        HandsOver.__init__(self, handed)
        self._pool = pool

    def execute(self, assignment, heartbeat, begun=None):  # type: ignore[no-untyped-def]
        job = self._pool.job(assignment.job_id)
        self._pool.services.jobs.apply(RequestCancelIfRunning(job, Stamp(self._pool.now_ms, "ann")))
        return HandsOver.execute(self, assignment, heartbeat, begun)


def test_a_message_that_comes_again_finds_nothing_to_do() -> None:
    pool = Outsides()
    pool.submit(1)
    pool.react()
    (delivery,) = pool.services.queue.receive(POOL, limit=1, wait_seconds=0)
    executor = HandsOver(HOUR)
    run_message(pool.services, executor, HandClock(pool.now_ms), delivery.message, WORKER)
    before = pool.job(delivery.message.job_id)
    for later_ms in (0, 60_001):  # under the lease, and after it
        assert claim(pool.services, delivery.message, "worker-2", pool.now_ms + later_ms) is None
    assert pool.job(delivery.message.job_id) == before


def test_a_job_outside_keeps_the_permit_of_its_key_until_it_ends() -> None:
    pool = Outsides()
    pool.submit(2, concurrency_key="license")
    pool.react()
    token = pool.hand_over()
    for _ in range(2):
        pool.react()
        pool.tick()
    assert len(pool.services.permits.standing(key_permit("license")).holders) == 1
    assert len(pool.in_state(State.READY)) == 1
    finish(pool, token)
    pool.react()
    assert len(pool.dispatched) == 1
    finish(pool, pool.hand_over())
    pool.react()
    assert not pool.services.permits.standing(key_permit("license")).holders


WRONG = ["", "x", "A" * 500, "ä", "MXxhfDF8eA"]


@pytest.mark.parametrize("text", WRONG)
def test_no_other_text_finishes_a_job(text: str) -> None:
    pool = Outsides()
    token = pool.start(HOUR)
    with pytest.raises(WrongToken) as refused:
        finish(pool, text, job_id=token.job_id)
    assert not text or len(text) < 3 or text not in str(refused.value)
    assert pool.outside(token).is_outside


def test_a_token_is_of_one_job_one_attempt_and_one_secret() -> None:
    pool = Outsides()
    token = pool.start(HOUR)
    other = pool.start(HOUR)
    forged = [
        replace(token, secret="0" * 32),
        replace(token, secret=other.secret),
        replace(token, attempt=2),
        replace(other, job_id=token.job_id),
    ]
    for each in forged:
        with pytest.raises(WrongToken):
            finish(pool, each, job_id=token.job_id)
    with pytest.raises(WrongToken):
        finish(pool, other, job_id=token.job_id)
    with pytest.raises(NotOutside):
        finish(pool, replace(token, attempt=0))
    with pytest.raises(NotFound):
        finish(pool, replace(token, job_id="01KATDPGZ8M5B6W2Y3Q7RVXN4C"))
    assert pool.outside(token).is_outside
    assert pool.outside(other).is_outside


def test_a_job_that_still_runs_in_its_worker_is_not_finished_yet() -> None:
    pool = Outsides()
    pool.submit(1)
    pool.react()
    (delivery,) = pool.services.queue.receive(POOL, limit=1, wait_seconds=0)
    claimed = claim(pool.services, delivery.message, WORKER, pool.now_ms)
    assert claimed is not None
    assert claimed.assignment.token is not None
    with pytest.raises(NotOutside, match="still runs in its worker; send this again"):
        finish(pool, claimed.assignment.token)


def test_a_type_that_may_run_twice_gets_no_token() -> None:
    pool = Outsides(second_percent=50)
    pool.submit(1)
    pool.react()
    (delivery,) = pool.services.queue.receive(POOL, limit=1, wait_seconds=0)
    executor = HandsOver(HOUR)
    job = run_message(pool.services, executor, HandClock(pool.now_ms), delivery.message, WORKER)
    assert executor.assignments[0].token is None
    assert job is not None
    assert not job.is_outside


def test_a_job_does_not_tell_its_token() -> None:
    pool = Outsides()
    token = pool.start(HOUR)
    assert token.secret not in repr(pool.outside(token))
    assert token.secret not in repr(token)
    assert FinishToken.read(token.text) == token
    assert len(token.text) <= 256


def test_the_time_outside_is_no_time_of_a_worker() -> None:
    pool = Outsides()
    token = pool.start(HOUR)
    began_ms = pool.now_ms
    pool.world.now_ms += 40_000
    job = finish(pool, token)
    figures = figures_of_end(job, job.history, job.began_at_ms)
    assert (figures.ran_ms, figures.wasted_ms) == (0, 0)
    assert job.actual_duration_seconds == 40
    basis = CostBasis(15_000, 60_000, {POOL: PoolKind.FUNCTION}, pool.now_ms)
    cost = cost_of(job, pool.services.jobs.stored(job), pool.services.jobs.stored, basis)
    assert cost.total.function_seconds == 0
    assert began_ms == job.began_at_ms
